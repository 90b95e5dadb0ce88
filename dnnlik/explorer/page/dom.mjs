// Small things that every part of the page needs.

export const element = (id) => document.getElementById(id);

/** Lets the browser draw, and a person press a button, between two computations. */
export const breath = () => new Promise((resolve) => setTimeout(resolve));

/** Run a task while no other one can be started; what goes wrong is told in the element `what`. */
export async function busy(what, task) {
  const root = document.documentElement;
  if (root.dataset.state === "busy") return;
  root.dataset.state = "busy";
  const buttons = [...document.querySelectorAll("button:not(#scan-stop)")];
  buttons.forEach((button) => (button.disabled = true));
  try {
    await task();
  } catch (error) {
    element(what).textContent = `It did not work: ${error.message}`;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
    root.dataset.state = "ready";
  }
}

/** The columns of parameters in the order to show: of interest first. */
export function inOrder(parameters) {
  return [...parameters.keys()].sort(
    (a, b) => Number(parameters[b].poi) - Number(parameters[a].poi) || a - b);
}

/** A name as HTML; it may break after an underscore. */
export function named(text) {
  return escaped(text).replace(/_/g, "_<wbr>");
}

export function escaped(text) {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
}
