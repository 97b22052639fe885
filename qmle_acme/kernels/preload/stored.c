// Has TensorFlow store what it would compress. Preloaded, so that it is found first.
//
// Reverb writes its checkpoints through TensorFlow's zlib, and offers no other level
// than the default. Rows are compressed already: to look for more in them costs four
// fifths of the time of a checkpoint. What is stored is read like what is compressed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

typedef int Init(void *stream, int level, int method, int window_bits,
                 int memory_level, int strategy, const char *version,
                 int stream_size);

// Stands in for zlib's function of this name: calls the one that the caller would have
// found without us, for TensorFlow with level 0.
int deflateInit2_(void *stream, int level, int method, int window_bits,
                  int memory_level, int strategy, const char *version,
                  int stream_size) {
  Dl_info caller = {0};
  dladdr(__builtin_return_address(0), &caller);
  const char *name = caller.dli_fname ? caller.dli_fname : "";
  void *library = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
  Init *init = (Init *)dlsym(library ? library : RTLD_NEXT, "deflateInit2_");
  if (strstr(name, "libtensorflow_framework.so")) level = 0;
  return init(stream, level, method, window_bits, memory_level, strategy, version,
              stream_size);
}
