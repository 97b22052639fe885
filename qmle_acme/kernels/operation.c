#include "operation.h"

#include <stdlib.h>

static void stop_unless_ok(const char *name, const TF_Status *status) {
  if (TF_GetCode(status) == TF_OK) return;
  fprintf(stderr, "cannot register %s: %s\n", name, TF_Message(status));
  abort();
}

void register_operation(const char *name, TF_OpDefinitionBuilder *op,
                        void *(*create)(TF_OpKernelConstruction *),
                        void (*compute)(void *, TF_OpKernelContext *),
                        void (*delete)(void *)) {
  TF_Status *status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  stop_unless_ok(name, status);
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, delete),
                           status);
  stop_unless_ok(name, status);
  TF_DeleteStatus(status);
}
