/* The inbox in C, and a program around it: an engine, a routine for each new file, an agent that
 * says which.
 *
 *   03_inbox_c FOLDER      handles what is in the folder, until three files were
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "routines/c/routines.h"

static const char kRoutine[] =
    "name: incoming\n"
    "prompt: A file came in.\n"
    "triggers:\n"
    "  - {id: incoming, custom: {source: inbox, type: file}}\n";

struct inbox {
  const char* folder;
  routines_sink* sink;
  pthread_t thread;
};

/* Gives a file to the engine, and moves it away once it was taken. */
static void take(struct inbox* inbox, const char* name) {
  char path[4096], taken[4096], payload[4096];
  const routines_attribute attributes[] = {{routines_str("name"), routines_str(name)}};
  routines_event event = ROUTINES_EVENT_INIT;
  routines_code code;
  snprintf(path, sizeof(path), "%s/%s", inbox->folder, name);
  snprintf(taken, sizeof(taken), "%s/taken/%s", inbox->folder, name);
  event.type = routines_str("file");
  event.external_id = routines_str(name); /* should it come again, it is known */
  event.attributes = attributes;
  event.attribute_count = 1;
  event.payload.data = payload;
  event.payload.size = (size_t)snprintf(payload, sizeof(payload), "{\"kind\": \"file\"}");
  code = routines_sink_emit(inbox->sink, &event, NULL, NULL);
  /* What is not durable stays, to be tried again; what can never be taken does not. */
  if (code == ROUTINES_OK || code == ROUTINES_INVALID_ARGUMENT) rename(path, taken);
}

static void* run(void* self) {
  struct inbox* inbox = self;
  int stopping = 0;
  while (routines_sink_stopping(inbox->sink, &stopping) == ROUTINES_OK && !stopping) {
    DIR* folder = opendir(inbox->folder);
    const struct dirent* entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
      if (entry->d_type == DT_REG) take(inbox, entry->d_name);
    }
    if (folder != NULL) closedir(folder);
    poll(NULL, 0, 50);
  }
  return NULL;
}

static routines_code start(void* self, routines_sink* sink) {
  struct inbox* inbox = self;
  inbox->sink = sink;
  return pthread_create(&inbox->thread, NULL, run, inbox) == 0 ? ROUTINES_OK : ROUTINES_UNAVAILABLE;
}

static void stop(void* self) {
  struct inbox* inbox = self;
  pthread_join(inbox->thread, NULL);
}

/* ---- the agent ---- */

static atomic_int handled;

static void agent(void* self, routines_execution* execution) {
  routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  (void)self;
  outcome.message = routines_str("seen");
  if (routines_execution_finish(execution, &outcome, NULL) == ROUTINES_OK) ++handled;
}

int main(int argc, char** argv) {
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  routines_source source = ROUTINES_SOURCE_INIT;
  routines_engine* engine = NULL;
  struct inbox inbox = {argc > 1 ? argv[1] : ".", NULL, 0};
  char taken[4096];
  snprintf(taken, sizeof(taken), "%s/taken", inbox.folder);
  mkdir(taken, 0700);
  executor.start = agent;
  source.self = &inbox;
  source.start = start;
  source.stop = stop;
  if (routines_engine_open(&options, &engine, NULL) ||
      routines_engine_register_executor(engine, routines_str("agent"), &executor, NULL) ||
      routines_engine_add_source(engine, routines_str("inbox"), &source, NULL) ||
      routines_engine_put_routine(engine, routines_str(kRoutine), routines_str(""), NULL, NULL) ||
      routines_engine_start(engine, NULL)) {
    return 1;
  }
  while (handled < 3) poll(NULL, 0, 10);
  printf("handled %d files\n", handled);
  return routines_engine_destroy(engine);
}
