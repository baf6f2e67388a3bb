/* A program in C around the inbox: an engine, a routine for each new file, an agent that says
 * which.
 *
 *   03_inbox_c FOLDER      handles what is in the folder, until three files were
 */
#include <semaphore.h>
#include <stdio.h>

#include "inbox_c.h"

static const char kRoutine[] =
    "name: incoming\n"
    "prompt: A file came in.\n"
    "triggers:\n"
    "  - {id: incoming, custom: {source: inbox, type: file}}\n";

static sem_t handled;

static void agent(void* self, routines_execution* execution) {
  routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  (void)self;
  outcome.message = routines_str("seen");
  if (routines_execution_finish(execution, &outcome, NULL) == ROUTINES_OK) sem_post(&handled);
}

int main(int argc, char** argv) {
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  routines_source source = inbox_source(argc > 1 ? argv[1] : ".");
  routines_engine* engine = NULL;
  int files;
  sem_init(&handled, 0, 0);
  executor.start = agent;
  if (routines_engine_open(&options, &engine, NULL) ||
      routines_engine_register_executor(engine, routines_str("agent"), &executor, NULL) ||
      routines_engine_add_source(engine, routines_str("inbox"), &source, NULL) ||
      routines_engine_put_routine(engine, routines_str(kRoutine), routines_str(""), NULL, NULL) ||
      routines_engine_start(engine, NULL)) {
    return 1;
  }
  for (files = 0; files < 3; ++files) sem_wait(&handled);
  printf("handled %d files\n", files);
  return routines_engine_destroy(engine);
}
