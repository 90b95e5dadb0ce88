/* Evaluate a published likelihood with the C API of ONNX Runtime, and compare it with the test
 * vectors of its bundle.
 *
 *     evaluate BUNDLE [likelihood.onnx]
 *
 * Prints a line for each point: log_likelihood, in_domain, log_constraint, then the d numbers of
 * the gradient. Exit code 1 where they are not those of the test vectors.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

static const OrtApi *api;

static void check(OrtStatus *status) {
  if (status == NULL) return;
  fprintf(stderr, "%s\n", api->GetErrorMessage(status));
  exit(2);
}

static char *read_text(const char *folder, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(2);
  }
  fseek(file, 0, SEEK_END);
  size_t size = (size_t)ftell(file);
  rewind(file);
  char *text = calloc(size + 1, 1);
  if (fread(text, 1, size, file) != size) exit(2);
  fclose(file);
  return text;
}

/* The numbers of the array behind a key, nested ones in a row; true is 1 and false is 0. Enough
 * for test_vectors.json, whose keys are flat; any JSON library will do in its place. */
static double *read_numbers(const char *text, const char *key, size_t *count) {
  const char *at = strstr(text, key);
  if (at == NULL || (at = strchr(at, '[')) == NULL) exit(2);
  double *numbers = malloc((strlen(at) + 1) * sizeof *numbers);
  int depth = 0;
  *count = 0;
  do {
    char *end;
    double number = strtod(at, &end);
    if (*at == '[') depth++;
    if (*at == ']') depth--;
    if (*at == 't' || *at == 'f') {
      numbers[(*count)++] = *at == 't';
      at = strchr(at, 'e');
    } else if (end != at && strchr("-0123456789", *at) != NULL) {
      numbers[(*count)++] = number;
      at = end - 1;
    }
    at++;
  } while (depth > 0);
  return numbers;
}

/* The largest |a - b| / max(1, |b|) over n points, of vectors of this length. */
static double difference(const double *a, const double *b, size_t n, size_t length) {
  double largest = 0;
  for (size_t i = 0; i < n; i++) {
    double distance = 0, size = 0;
    for (size_t k = i * length; k < (i + 1) * length; k++) {
      distance += (a[k] - b[k]) * (a[k] - b[k]);
      size += b[k] * b[k];
    }
    double relative = sqrt(distance) / fmax(1, sqrt(size));
    if (!(relative <= largest)) largest = isnan(relative) ? INFINITY : relative;
  }
  return largest;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: evaluate BUNDLE [likelihood.onnx]\n"), 2;
  const char *name = argc > 2 ? argv[2] : "likelihood.onnx";
  char path[4096], key[4096];
  snprintf(path, sizeof path, "%s/%s", argv[1], name);
  char *text = read_text(argv[1], "test_vectors.json");
  size_t size, n;
  double *points = read_numbers(text, "\"points\"", &size);
  double *value = read_numbers(text, "\"log_likelihood\"", &n);
  size_t d = size / n;

  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  OrtMemoryInfo *memory;
  check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "dnnlik", &env));
  check(api->CreateSessionOptions(&options));
  check(api->CreateSession(env, path, options, &session));
  check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));

  /* Physical values, float64, [n, d]; natural logarithms, no factor 2. */
  const int64_t shape[] = {(int64_t)n, (int64_t)d};
  OrtValue *input = NULL, *outputs[4] = {NULL, NULL, NULL, NULL};
  check(api->CreateTensorWithDataAsOrtValue(memory, points, size * sizeof *points, shape, 2,
                                            ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE, &input));
  const char *inputs[] = {"parameters"};
  const char *names[] = {"log_likelihood", "in_domain", "log_constraint", "gradient"};
  check(api->Run(session, NULL, inputs, (const OrtValue *const *)&input, 1, names, 4, outputs));
  double *found, *constraint, *gradient;
  bool *inside;
  check(api->GetTensorMutableData(outputs[0], (void **)&found));
  check(api->GetTensorMutableData(outputs[1], (void **)&inside));
  check(api->GetTensorMutableData(outputs[2], (void **)&constraint));
  check(api->GetTensorMutableData(outputs[3], (void **)&gradient));

  for (size_t i = 0; i < n; i++) {
    printf("%.17g %d %.17g", found[i], inside[i], constraint[i]);
    for (size_t k = 0; k < d; k++) printf(" %.17g", gradient[i * d + k]);
    printf("\n");
  }
  double worst = difference(found, value, n, 1), same = 1;
  worst = fmax(worst, difference(constraint, read_numbers(text, "\"log_constraint\"", &size), n, 1));
  worst = fmax(worst, difference(gradient, read_numbers(text, "\"gradient\"", &size), n, d));
  double *wanted_inside = read_numbers(text, "\"in_domain\"", &size);
  for (size_t i = 0; i < n; i++) same = same && inside[i] == (wanted_inside[i] == 1);
  snprintf(key, sizeof key, "\"%s\"", name);
  double tolerance = strtod(strchr(strstr(strstr(text, "\"tolerance\""), key), ':') + 1, NULL);
  fprintf(stderr, "largest difference %.2g, tolerance %g\n", worst, tolerance);
  return worst <= tolerance && same ? 0 : 1;
}
