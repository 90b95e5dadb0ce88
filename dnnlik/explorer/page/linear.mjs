// Dense symmetric linear algebra of the sizes that a likelihood has. Matrices are arrays of rows.

/** The lower Cholesky factor of a symmetric matrix, or null where it is not positive definite. */
export function cholesky(matrix) {
  const n = matrix.length;
  const lower = matrix.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      if (i === j && !(sum > 1e-14 * Math.abs(matrix[i][i]))) return null;
      lower[i][j] = i === j ? Math.sqrt(sum) : sum / lower[j][j];
    }
  }
  return lower;
}

/** x of L Lᵀ x = b. */
export function solve(lower, b) {
  const n = b.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= lower[i][k] * x[k];
    x[i] /= lower[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= lower[k][i] * x[k];
    x[i] /= lower[i][i];
  }
  return x;
}

/** The factor of matrix + λ · diagonal with the smallest λ of a ladder for which there is one. */
export function shiftedCholesky(matrix) {
  const size = Math.max(...matrix.map((row, i) => Math.abs(row[i])), 1e-8);
  for (let shift = 0; shift < 1e8 * size; shift = shift ? 10 * shift : 1e-6 * size) {
    const lower = cholesky(matrix.map((row, i) => row.map((v, j) => (i === j ? v + shift : v))));
    if (lower) return lower;
  }
  throw new Error("a matrix of second derivatives is not finite");
}

/** The diagonal of the inverse, or null where the matrix is not positive definite. */
export function inverseDiagonal(matrix) {
  const lower = cholesky(matrix);
  if (!lower) return null;
  return matrix.map((_, i) => solve(lower, matrix.map((_, k) => (k === i ? 1 : 0)))[i]);
}

export function block(matrix, columns) {
  return columns.map((i) => Float64Array.from(columns, (j) => matrix[i][j]));
}

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
