/* Compiled with the header beside it, which is the first that was published and is never changed;
 * linked with the library of today. An agent and a source of events of a host, as its author once
 * wrote them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "routines/c/routines.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static pthread_t thread;
static routines_sink* sink;
static char answer[4096];

static void* emit(void* self) {
  routines_event event = ROUTINES_EVENT_INIT;
  routines_text* json = NULL;
  routines_string text;
  (void)self;
  event.external_id = routines_str("1");
  CHECK(routines_sink_emit(sink, &event, &json, NULL) == ROUTINES_OK);
  CHECK(routines_text_get(json, &text) == ROUTINES_OK && text.size < sizeof(answer));
  memcpy(answer, text.data, text.size + 1);
  CHECK(routines_text_destroy(json) == ROUTINES_OK);
  return NULL;
}
static routines_code start_source(void* self, routines_sink* given) {
  (void)self;
  sink = given;
  return pthread_create(&thread, NULL, emit, NULL) == 0 ? ROUTINES_OK : ROUTINES_UNAVAILABLE;
}
static void stop_source(void* self) {
  (void)self;
}

static void start_agent(void* self, routines_execution* execution) {
  routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  (void)self;
  CHECK(routines_execution_assistant(execution, routines_str("on it"), NULL) == ROUTINES_OK);
  CHECK(routines_execution_finish(execution, &outcome, NULL) == ROUTINES_OK);
}

int main(void) {
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  routines_source source = ROUTINES_SOURCE_INIT;
  routines_engine* engine = NULL;
  routines_text* json = NULL;
  routines_string text;
  char* session;
  CHECK(routines_abi_version() / 1000 == ROUTINES_ABI_MAJOR);
  executor.start = start_agent;
  source.start = start_source;
  source.stop = stop_source;
  CHECK(routines_engine_open(&options, &engine, NULL) == ROUTINES_OK);
  CHECK(routines_engine_register_executor(engine, routines_str("a"), &executor, NULL) ==
        ROUTINES_OK);
  CHECK(routines_engine_add_source(engine, routines_str("tick"), &source, NULL) == ROUTINES_OK);
  CHECK(routines_engine_put_routine(
            engine,
            routines_str("{\"name\": \"r\", \"prompt\": \"p\", \"triggers\":"
                         "[{\"id\": \"t\", \"custom\": {\"source\": \"tick\"}}]}"),
            routines_str(""), NULL, NULL) == ROUTINES_OK);
  CHECK(routines_engine_start(engine, NULL) == ROUTINES_OK);
  CHECK(pthread_join(thread, NULL) == 0);
  session = strstr(answer, "\"session_id\":\"");
  CHECK(session != NULL);
  session += strlen("\"session_id\":\"");
  *strchr(session, '"') = 0;
  CHECK(routines_engine_wait_session(engine, routines_str(session), 60000000000, &json, NULL) ==
        ROUTINES_OK);
  CHECK(routines_text_get(json, &text) == ROUTINES_OK);
  CHECK(strstr(text.data, "\"state\":\"succeeded\"") != NULL);
  CHECK(routines_text_destroy(json) == ROUTINES_OK);
  CHECK(routines_engine_destroy(engine) == ROUTINES_OK);
  puts("passed");
  return 0;
}
