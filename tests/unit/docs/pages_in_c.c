/* The lines of C that docs/c_abi.md shows without a whole program around them, run in a folder for its state.
 * tests/unit/docs_test.py holds the page to this file: change both. */
#include <stdio.h>
#include <stdlib.h>

#include "routines/c/routines.h"

static int entries;

static void start(void* self, routines_execution* execution) {
  routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  (void)self;
  (void)routines_execution_finish(execution, &outcome, NULL);
}

static int on_entry(void* self, routines_string entry) {
  (void)self;
  (void)entry;
  ++entries;
  return 0;
}

/* Says what is missing; 1 then. */
static int check(int holds, const char* what) {
  if (!holds) fprintf(stderr, "not so: %s\n", what);
  return holds ? 0 : 1;
}

static const char kAlert[] =
    "name: alert\nprompt: look\ntriggers:\n  - {id: trig_alert0001, api: {}}\n"
    "  - {id: nightly, schedule: {cron: \"7 2 * * *\"}}\n";

static int an_engine(void) {
  routines_engine* engine = NULL;
  routines_error* error = NULL;
  routines_text* json = NULL;
  routines_string given, text = routines_str(kAlert), file = routines_str("alert.yaml");
  routines_string trigger_id = routines_str("trig_alert0001"), key = routines_str("");
  char session_text[64] = "";
  const char* found;
  void* self = NULL;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  int wrong = 0;
  executor.start = start;

  /* clang-format off */
routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
options.state_directory = routines_str("state");   /* or leave it empty: all in memory */
routines_engine_open(&options, &engine, &error);
routines_engine_register_executor(engine, routines_str("agent"), &executor, &error);
routines_engine_put_routine(engine, text, file, NULL, &error);
routines_engine_start(engine, &error);
routines_engine_fire(engine, trigger_id, text, key, &json, &error);
  /* clang-format on */

  wrong += check(routines_text_get(json, &given) == ROUTINES_OK, "it fires");
  found = strstr(given.data, "\"session_id\":\"");
  if (found == NULL || sscanf(found, "\"session_id\":\"%63[^\"]", session_text) != 1) return 1;
  routines_string session_id = routines_str(session_text);
  routines_text_destroy(json);

  /* clang-format off */
routines_engine_follow_session(engine, session_id, 0, ROUTINES_NEVER, on_entry, self, &error);
routines_engine_destroy(engine);
  /* clang-format on */

  return wrong + check(error == NULL, "no call fails") + check(entries > 2, "the log is told");
}

static int without_waiting(void) {
  const int64_t start_ns = 1767603600000000000, hour_ns = 3600000000000;
  routines_clock* clock = NULL;
  routines_engine* engine = NULL;
  routines_error* error = NULL;
  routines_text* json = NULL;
  routines_string given;
  int wrong;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_session_query query = ROUTINES_SESSION_QUERY_INIT;
  executor.start = start;
  executor.flags = ROUTINES_EXECUTOR_START_INLINE;

  /* clang-format off */
routines_clock_create_simulated(start_ns, &clock, &error);
options.clock = clock;
routines_engine_open(&options, &engine, &error);
  /* clang-format on */
  routines_engine_register_executor(engine, routines_str("agent"), &executor, NULL);
  routines_engine_put_routine(engine, routines_str(kAlert), routines_str(""), NULL, NULL);
  /* clang-format off */
routines_engine_advance(engine, 24 * hour_ns, &error);   /* every instant that is due on the way */
  /* clang-format on */

  routines_engine_list_sessions(engine, &query, &json, NULL);
  wrong = check(routines_text_get(json, &given) == ROUTINES_OK &&
                    strstr(given.data, "\"routine\":\"alert\"") != NULL,
                "the schedule fired");
  routines_text_destroy(json);
  routines_engine_destroy(engine);
  routines_clock_destroy(clock);
  return wrong + check(error == NULL, "no call fails");
}

int main(void) {
  const int wrong = an_engine() + without_waiting();
  if (wrong == 0) puts("passed");
  return wrong;
}
