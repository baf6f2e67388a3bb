/* What the C ABI does, through the shared library, in C99. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/capi/check.h"

#define S(text) routines_str(text)
static const int64_t kSecond = 1000000000;
static const int64_t kHour = 3600000000000;

static const char kAlert[] =
    "name: alert\nprompt: look\ntriggers:\n  - {id: trig_alert0001, api: {}}\n";
static const char kReview[] =
    "{\"name\": \"review\", \"prompt\": \"Review it.\", \"triggers\": [{\"id\": \"opened\","
    "\"github\": {\"repositories\": [\"acme/app\"], \"event\": \"issues\", \"actions\": "
    "[\"opened\"],"
    "\"trust\": \"anyone\"}}]}";
static const char kIssue[] =
    "{\"action\": \"opened\", \"repository\": {\"full_name\": \"acme/app\"},"
    "\"issue\": {\"number\": 1, \"title\": \"t\", \"user\": {\"login\": \"a\"}},"
    "\"sender\": {\"login\": \"a\"}}";

static routines_event issue_event(void) {
  routines_event event = ROUTINES_EVENT_INIT;
  event.source = S("github");
  event.type = S("issues");
  event.payload.data = kIssue;
  event.payload.size = strlen(kIssue);
  event.external_id = S("delivery-1");
  return event;
}

/* ---- pure ---- */

static void write_file(const char* path, const char* text) {
  FILE* const file = fopen(path, "w");
  CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_versions(void) {
  CHECK(routines_abi_version() == ROUTINES_ABI_MAJOR * 1000 + ROUTINES_ABI_MINOR);
  CHECK(strcmp(routines_version(), "0.1.0") == 0);
  CHECK(strcmp(routines_code_name(ROUTINES_NOT_FOUND), "NOT_FOUND") == 0);
  CHECK(strcmp(routines_code_name(-7), "?") == 0);
}

static void test_load(void) {
  routines_text* json = NULL;
  CHECK_OK(routines_routine_load(S(kAlert), S("alert.yaml"), &json, &error));
  CHECK(take_contains(json, "\"account\":\"default\""));
  routines_error* error = NULL;
  CHECK(routines_routine_load(S("name: alert\nprompt: x\ntrigers: []\n"), S("bad.yaml"), &json,
                              &error) == ROUTINES_INVALID_ARGUMENT);
  CHECK(json == NULL);
  routines_string text;
  int code = 0;
  CHECK(routines_error_code(error, &code) == ROUTINES_OK && code == ROUTINES_INVALID_ARGUMENT);
  CHECK(routines_error_message(error, &text) == ROUTINES_OK);
  CHECK(strstr(text.data, "bad.yaml:3:1: trigers: unknown key") != NULL);
  CHECK(routines_error_problems(error, &text) == ROUTINES_OK);
  CHECK(strstr(text.data, "[{\"path\":\"trigers\",\"line\":3,\"column\":1,") == text.data);
  CHECK(routines_error_destroy(error) == ROUTINES_OK);
}

static void test_matcher(void) {
  routines_matcher* matcher = NULL;
  routines_matches* matches = NULL;
  const routines_event event = issue_event();
  uint64_t number = 0;
  const routines_match* list = NULL;
  size_t count = 9;
  routines_text* json = NULL;
  CHECK_OK(routines_matcher_create(&matcher, &error));
  CHECK_OK(routines_matches_create(&matches, &error));
  CHECK_OK(routines_matcher_put(matcher, S(kReview), &number, &error));
  CHECK_OK(routines_event_check(&event, &error));
  CHECK_OK(routines_matcher_match(matcher, &event, matches, &error));
  CHECK(routines_matches_get(matches, &list, &count) == ROUTINES_OK);
  CHECK(count == 1 && list[0].routine == number && list[0].trigger == 0);
  CHECK_OK(routines_matcher_name(matcher, number, 0, &json, &error));
  CHECK(take_contains(json,
                      "{\"account\":\"default\",\"routine\":\"review\",\"trigger\":\"opened\","));
  CHECK_CODE(ROUTINES_NOT_FOUND, routines_matcher_name(matcher, number, 7, &json, &error));
  CHECK_OK(routines_event_explain(&event, S(kReview), &json, &error));
  CHECK(take_contains(json, "\"matched\":true"));
  /* A custom event, by its attributes. */
  const char* custom =
      "{\"name\": \"queue\", \"prompt\": \"p\", \"triggers\": [{\"id\": \"job\", \"custom\": "
      "{\"source\":"
      "\"queue\", \"filters\": [{\"field\": \"kind\", \"operator\": \"equals\", \"value\": "
      "\"big\"}]}}]}";
  const routines_string texts[] = {S(kReview), S(custom)};
  uint64_t numbers[2] = {0, 0};
  CHECK_OK(routines_matcher_put_all(matcher, texts, 2, numbers, &error));
  CHECK(numbers[0] == number && numbers[1] != 0 && numbers[1] != number);
  const routines_attribute attributes[] = {{S("kind"), S("big")}};
  routines_event job = ROUTINES_EVENT_INIT;
  job.source = S("queue");
  job.attributes = attributes;
  job.attribute_count = 1;
  CHECK_OK(routines_matcher_match(matcher, &job, matches, &error));
  CHECK(routines_matches_get(matches, &list, &count) == ROUTINES_OK);
  CHECK(count == 1 && list[0].routine == numbers[1]);
  const routines_string wrong[] = {S(custom), S("{")};
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT, routines_matcher_put_all(matcher, wrong, 2, NULL, &error));
  CHECK(routines_matcher_size(matcher, &count) == ROUTINES_OK && count == 2);
  CHECK_OK(routines_matcher_remove(matcher, S(""), S("review"), &error));
  CHECK_CODE(ROUTINES_NOT_FOUND, routines_matcher_remove(matcher, S(""), S("review"), &error));
  CHECK(routines_matcher_size(matcher, &count) == ROUTINES_OK && count == 1);
  CHECK(routines_matches_destroy(matches) == ROUTINES_OK);
  CHECK(routines_matcher_destroy(matcher) == ROUTINES_OK);
  CHECK(routines_matcher_size(matcher, &count) == ROUTINES_INVALID_HANDLE && count == 0);
}

static void test_schedule(void) {
  routines_schedule* schedule = NULL;
  routines_text* text = NULL;
  int64_t at[4], instant = 0;
  size_t count = 0;
  const int64_t monday = 1767603600 * kSecond; /* 2026-01-05 09:00:00 UTC */
  CHECK_OK(routines_schedule_parse(S("7 2 * * 1-5"), S("Europe/Berlin"), &schedule, &error));
  CHECK_OK(routines_schedule_describe(schedule, &text, &error));
  CHECK(take_contains(text, "weekdays at 02:07 in Europe/Berlin"));
  CHECK(routines_schedule_next(schedule, monday, &instant) == ROUTINES_OK);
  CHECK(instant == 1767661620 * kSecond); /* Tuesday, 01:07 UTC */
  CHECK(routines_schedule_previous(schedule, monday, &instant) == ROUTINES_OK);
  CHECK(instant == 1767575220 * kSecond);
  CHECK(routines_schedule_between(schedule, monday, monday + 48 * kHour, at, 4, &count) ==
        ROUTINES_OK);
  CHECK(count == 2 && at[1] == at[0] + 24 * kHour);
  CHECK(routines_schedule_destroy(schedule) == ROUTINES_OK);
  CHECK_OK(routines_schedule_parse(S("0 0 30 2 *"), S(""), &schedule, &error));
  CHECK(routines_schedule_next(schedule, monday, &instant) == ROUTINES_OK);
  CHECK(instant == ROUTINES_NEVER);
  CHECK(routines_schedule_previous(schedule, monday, &instant) == ROUTINES_OK);
  CHECK(instant == ROUTINES_BEFORE_TIME);
  CHECK(routines_schedule_destroy(schedule) == ROUTINES_OK);
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT,
             routines_schedule_parse(S("61 * * * *"), S(""), &schedule, &error));
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT,
             routines_schedule_parse(S("* * * * *"), S("Mars/Base"), &schedule, &error));
}

static void test_signature(void) {
  /* GitHub's documentation, "Validating webhook deliveries". */
  const char* secret = "It's a Secret to Everybody";
  const char* header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const routines_bytes s = {secret, strlen(secret)}, b = {"Hello, World!", 13};
  const routines_bytes h = {header, strlen(header)};
  int valid = 7;
  CHECK(routines_github_verify_signature(s, b, h, &valid) == ROUTINES_OK && valid == 1);
  CHECK(routines_github_verify_signature(s, s, h, &valid) == ROUTINES_OK && valid == 0);
  routines_text* made = NULL;
  CHECK_OK(routines_github_sign_body(s, b, &made, &error));
  CHECK(take_contains(made, header));
}

/* ---- an engine under a simulated clock ---- */

static int destroyed, inline_starts;
static void count_destroy(void* self) {
  ++*(int*)self;
}

static void start_inline(void* self, routines_execution* execution) {
  routines_string request;
  int cancelled = 7;
  ++*(int*)self;
  CHECK(routines_execution_request(execution, &request) == ROUTINES_OK);
  CHECK(strstr(request.data, "\"prompt\":\"") != NULL);
  CHECK(routines_execution_cancelled(execution, &cancelled) == ROUTINES_OK && cancelled == 0);
  CHECK_OK(routines_execution_output(execution, 1, S("working\n"), &error));
  CHECK_OK(routines_execution_assistant(execution, S("I think"), &error));
  CHECK_OK(routines_execution_tool_call(execution, S("c1"), S("ls"), S("{}"), &error));
  CHECK_OK(routines_execution_tool_result(execution, S("c1"), 0, S("a b"), &error));
  routines_usage usage = ROUTINES_USAGE_INIT;
  usage.input_tokens = 12;
  usage.cost_usd = 0.5;
  CHECK_OK(routines_execution_usage(execution, &usage, &error));
  CHECK_OK(routines_execution_result(execution, 0, S("all well"), &error));
  routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  outcome.message = S("done");
  CHECK_OK(routines_execution_finish(execution, &outcome, &error));
  CHECK_CODE(ROUTINES_INVALID_HANDLE, routines_execution_finish(execution, &outcome, &error));
}

static int count_entries(void* self, routines_string entry) {
  CHECK(entry.data[0] == '{');
  return ++*(int*)self == -1;
}
static int first_only(void* self, routines_string entry) {
  (void)entry;
  ++*(int*)self;
  return 1;
}

static void test_engine_simulated(void) {
  routines_clock* clock = NULL;
  routines_engine* engine = NULL;
  routines_text* json = NULL;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  char session[64], event[64], secret[64], token[64];
  int64_t now = 0, next = 0;
  int entries = 0;
  CHECK_OK(routines_clock_create_simulated(1767603600 * kSecond, &clock, &error));
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  options.clock = clock;
  CHECK_OK(routines_engine_open(&options, &engine, &error));
  CHECK(routines_clock_destroy(clock) == ROUTINES_OK); /* the engine has it still */
  executor.self = &inline_starts;
  executor.start = start_inline;
  executor.flags = ROUTINES_EXECUTOR_START_INLINE;
  CHECK_OK(routines_engine_register_executor(engine, S("agent"), &executor, &error));
  executor.self = &destroyed;
  executor.destroy = count_destroy;
  CHECK_CODE(ROUTINES_ALREADY_EXISTS,
             routines_engine_register_executor(engine, S("agent"), &executor, &error));
  CHECK(destroyed == 1); /* also where registering failed */

  CHECK_OK(routines_engine_put_routine(engine, S(kAlert), S("alert.yaml"), &json, &error));
  CHECK(take_contains(json, "\"revision\":1"));
  CHECK_OK(routines_engine_put_routine(engine, S(kReview), S(""), NULL, &error));
  CHECK_OK(routines_engine_put_routine(engine,
                                       S("name: night\nprompt: look\ntriggers: [{id: "
                                         "trig_night0001, schedule: {cron: '7 2 * * *'}}]\n"),
                                       S(""), NULL, &error));
  CHECK_OK(routines_engine_list_routines(engine, S(""), &json, &error));
  CHECK(take_contains(json, "\"name\":\"night\""));
  CHECK_OK(routines_engine_get_routine(engine, S(""), S("alert"), 0, &json, &error));
  CHECK(take_contains(json, "trig_alert0001"));
  CHECK_CODE(ROUTINES_NOT_FOUND,
             routines_engine_get_routine(engine, S(""), S("no"), 0, &json, &error));
  CHECK(json == NULL);

  CHECK_OK(routines_engine_create_token(engine, S("trig_alert0001"), &json, &error));
  take_value(json, "secret", secret, sizeof(secret));
  CHECK_OK(routines_engine_check_token(engine, S("trig_alert0001"), S(secret), &error));
  CHECK_CODE(ROUTINES_UNAUTHENTICATED,
             routines_engine_check_token(engine, S("trig_alert0001"), S("wrong"), &error));
  CHECK_OK(routines_engine_rotate_token(engine, S("trig_alert0001"), kHour, &json, &error));
  take_value(json, "id", token, sizeof(token));
  CHECK_OK(routines_engine_list_tokens(engine, S("trig_alert0001"), &json, &error));
  CHECK(take_contains(json, token));
  CHECK_OK(routines_engine_revoke_token(engine, S(token), &error));

  CHECK_OK(routines_engine_fire(engine, S("trig_alert0001"), S("SEN-1"), S("key"), &json, &error));
  take_value(json, "session_id", session, sizeof(session));
  CHECK_OK(routines_engine_fire(engine, S("trig_alert0001"), S("SEN-1"), S("key"), &json, &error));
  CHECK(take_contains(json, "\"duplicate\":true"));
  /* It is dispatched by steps only. Preparing has a thread of its own: wait sees to that. */
  CHECK_CODE(ROUTINES_DEADLINE_EXCEEDED,
             routines_engine_wait_session(engine, S(session), 0, NULL, &error));
  while (inline_starts == 0) CHECK_OK(routines_engine_step(engine, &next, &error));
  while (routines_engine_wait_session(engine, S(session), 0, NULL, NULL) != ROUTINES_OK) {
    CHECK_OK(routines_engine_step(engine, &next, &error));
  }
  CHECK_OK(routines_engine_wait_session(engine, S(session), kSecond, &json, &error));
  CHECK(take_contains(json, "\"state\":\"succeeded\""));
  CHECK_OK(routines_engine_get_session(engine, S(session), &json, &error));
  CHECK(take_contains(json, "\"cost_usd\":0.5"));
  CHECK_OK(routines_engine_follow_session(engine, S(session), 0, kSecond, count_entries, &entries,
                                          &error));
  CHECK(entries >= 8);
  entries = 0;
  CHECK_CODE(ROUTINES_CANCELLED, routines_engine_follow_session(engine, S(session), 0, kSecond,
                                                                first_only, &entries, &error));
  CHECK(entries == 1);
  CHECK_OK(routines_engine_read_log(engine, S(session), 0, 2, &json, &error));
  CHECK(take_contains(json, "\"next_after\":2"));
  CHECK_OK(routines_engine_cancel_session(engine, S(session), &error));
  routines_session_query query = ROUTINES_SESSION_QUERY_INIT;
  query.states = S("succeeded,failed");
  CHECK_OK(routines_engine_list_sessions(engine, &query, &json, &error));
  CHECK(take_contains(json, session));
  query.states = S("asleep");
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT,
             routines_engine_list_sessions(engine, &query, &json, &error));

  const routines_event issue = issue_event();
  CHECK_OK(routines_engine_deliver(engine, &issue, &json, &error));
  take_value(json, "event_id", event, sizeof(event));
  CHECK_OK(routines_engine_deliver(engine, &issue, &json, &error));
  CHECK(take_contains(json, "\"duplicate\":true"));
  CHECK_OK(routines_engine_get_event(engine, S(event), &json, &error));
  CHECK(take_contains(json, "\"payload_bytes\":"));
  CHECK_OK(routines_engine_list_events(engine, S(""), 0, &json, &error));
  CHECK(take_contains(json, event));
  CHECK_OK(routines_engine_explain_event(engine, S(event), S(""), S("review"), 0, &json, &error));
  CHECK(take_contains(json, "\"matched\":true"));
  CHECK_OK(routines_engine_list_decisions(engine, S(event), S(""), S(""), 0, &json, &error));
  CHECK(take_contains(json, "\"reason\":\"fired\""));

  /* A day brings the schedule; the clock stands where it was told to. */
  CHECK_OK(routines_engine_advance(engine, 24 * kHour, &error));
  CHECK_OK(routines_engine_list_decisions(engine, S(""), S(""), S("night"), 0, &json, &error));
  CHECK(take_contains(json, "\"reason\":\"fired\""));
  CHECK(routines_clock_now(clock, &now) == ROUTINES_INVALID_HANDLE);

  CHECK_OK(routines_engine_pause_routine(engine, S(""), S("alert"), 1, &error));
  CHECK_CODE(ROUTINES_FAILED_PRECONDITION,
             routines_engine_fire(engine, S("trig_alert0001"), S(""), S(""), NULL, &error));
  CHECK_OK(routines_engine_run(engine, S(""), S("alert"), S("by hand"), &json, &error));
  CHECK(take_contains(json, "session_"));
  CHECK_OK(routines_engine_delete_routine(engine, S(""), S("alert"), &error));
  CHECK_OK(routines_engine_stats(engine, &json, &error));
  CHECK(take_contains(json, "\"events_duplicate\":2"));
  CHECK(routines_engine_destroy(engine) == ROUTINES_OK);
  CHECK(routines_engine_destroy(engine) == ROUTINES_INVALID_HANDLE);
}

/* ---- an engine on a folder, with threads ---- */

struct source_state {
  routines_sink* sink;
  pthread_t thread;
  int stopped, destroyed;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int async_done;
  routines_code async_code;
  char session[64];
};

static void on_emitted(void* self, routines_code code) {
  struct source_state* state = self;
  pthread_mutex_lock(&state->mutex);
  state->async_done = 1;
  state->async_code = code;
  pthread_cond_signal(&state->changed);
  pthread_mutex_unlock(&state->mutex);
}

static void* emit_two(void* self) {
  struct source_state* state = self;
  routines_event event = ROUTINES_EVENT_INIT;
  routines_text* json = NULL;
  event.type = S("job");
  event.external_id = S("1");
  event.payload.data = "{\"size\": 3}";
  event.payload.size = 11;
  CHECK_OK(routines_sink_emit(state->sink, &event, &json, &error));
  take_value(json, "session_id", state->session, sizeof(state->session));
  event.external_id = S("2");
  CHECK_OK(routines_sink_emit_async(state->sink, &event, on_emitted, state, &error));
  return NULL;
}

static routines_code source_start(void* self, routines_sink* sink) {
  struct source_state* state = self;
  int stopping = 7;
  state->sink = sink;
  CHECK(routines_sink_stopping(sink, &stopping) == ROUTINES_OK && stopping == 0);
  CHECK(pthread_create(&state->thread, NULL, emit_two, state) == 0);
  return ROUTINES_OK;
}
static void source_stop(void* self) {
  struct source_state* state = self;
  int stopping = 0;
  routines_event event = ROUTINES_EVENT_INIT;
  CHECK(routines_sink_stopping(state->sink, &stopping) == ROUTINES_OK && stopping == 1);
  CHECK_CODE(ROUTINES_CANCELLED, routines_sink_emit(state->sink, &event, NULL, &error));
  pthread_join(state->thread, NULL);
  ++state->stopped;
}
static void source_destroy(void* self) {
  ++((struct source_state*)self)->destroyed;
}

static routines_code give_secret(void* self, routines_string account, routines_string name,
                                 routines_text** value) {
  (void)self;
  CHECK(account.size == 7);
  if (strncmp(name.data, "API_KEY", name.size) != 0) return ROUTINES_NOT_FOUND;
  return routines_text_create(S("hush-hush"), value);
}

/* Blocks until it is cancelled where the text says so. */
static void start_blocking(void* self, routines_execution* execution) {
  routines_string request;
  routines_outcome outcome = ROUTINES_OUTCOME_INIT;
  int fd = -1, cancelled = 0;
  (void)self;
  CHECK(routines_execution_request(execution, &request) == ROUTINES_OK);
  CHECK(strstr(request.data, "\"API_KEY\":\"hush-hush\"") != NULL);
  CHECK_OK(routines_execution_output(execution, 2, S("the key is hush-hush\n"), &error));
  CHECK(routines_execution_cancel_fd(execution, &fd) == ROUTINES_OK && fd >= 0);
  if (strstr(request.data, "hold") != NULL) {
    while (!cancelled) {
      usleep(1000);
      CHECK(routines_execution_cancelled(execution, &cancelled) == ROUTINES_OK);
    }
  }
  if (strstr(request.data, "abandon") != NULL) {
    CHECK(routines_execution_destroy(execution) == ROUTINES_OK);
    return;
  }
  outcome.succeeded = strstr(request.data, "fail") == NULL;
  outcome.reason = S("out_of_ideas");
  CHECK_OK(routines_execution_finish(execution, &outcome, &error));
}

static void run_and_expect(routines_engine* engine, const char* text, const char* end) {
  routines_text* json = NULL;
  char session[64];
  CHECK_OK(routines_engine_run(engine, S(""), S("job"), S(text), &json, &error));
  take_value(json, "session_id", session, sizeof(session));
  CHECK_OK(routines_engine_wait_session(engine, S(session), 60 * kSecond, &json, &error));
  CHECK(take_contains(json, end));
}

static void* destroy_engine(void* engine) {
  usleep(20000);
  CHECK(routines_engine_destroy(engine) == ROUTINES_OK);
  return NULL;
}

static void test_engine_on_a_folder(const char* folder) {
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_secrets secrets = ROUTINES_SECRETS_INIT;
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  routines_source source = ROUTINES_SOURCE_INIT;
  struct source_state state;
  routines_engine *engine = NULL, *second = NULL;
  routines_text* json = NULL;
  pthread_t other;
  int entries = 0;
  char session[64];
  memset(&state, 0, sizeof(state));
  pthread_mutex_init(&state.mutex, NULL);
  pthread_cond_init(&state.changed, NULL);
  secrets.get = give_secret;
  options.state_directory = S(folder);
  options.secrets = &secrets;
  options.default_executor = S("agent");
  CHECK_OK(routines_engine_open(&options, &engine, &error));
  CHECK_CODE(ROUTINES_FAILED_PRECONDITION, routines_engine_open(&options, &second, &error));
  executor.start = start_blocking;
  CHECK_OK(routines_engine_register_executor(engine, S("agent"), &executor, &error));
  const routines_string command[] = {S("cat")};
  CHECK_OK(routines_engine_register_program(engine, S("cat"), command, 1, &error));
  source.self = &state;
  source.start = source_start;
  source.stop = source_stop;
  source.destroy = source_destroy;
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT,
             routines_engine_add_source(engine, S("github"), &source, &error));
  CHECK(state.destroyed == 1);
  CHECK_OK(routines_engine_add_source(engine, S("queue"), &source, &error));
  CHECK_OK(
      routines_engine_put_routine(engine,
                                  S("name: job\nprompt: do\nenvironment: {secrets: [API_KEY]}\n"
                                    "triggers: [{id: job, custom: {source: queue, type: job}}]\n"),
                                  S(""), NULL, &error));
  CHECK_OK(routines_engine_start(engine, &error));
  CHECK_CODE(ROUTINES_FAILED_PRECONDITION, routines_engine_start(engine, &error));
  CHECK_CODE(ROUTINES_FAILED_PRECONDITION, routines_engine_step(engine, NULL, &error));

  pthread_mutex_lock(&state.mutex);
  while (!state.async_done) pthread_cond_wait(&state.changed, &state.mutex);
  CHECK(state.async_code == ROUTINES_OK);
  pthread_mutex_unlock(&state.mutex);
  CHECK_OK(routines_engine_wait_session(engine, S(state.session), 60 * kSecond, &json, &error));
  CHECK(take_contains(json, "\"state\":\"succeeded\""));
  CHECK_OK(routines_engine_read_log(engine, S(state.session), 0, 0, &json, &error));
  CHECK(take_contains(json, "the key is ")); /* and not the key: */
  CHECK_OK(routines_engine_read_log(engine, S(state.session), 0, 0, &json, &error));
  {
    routines_string log;
    CHECK(routines_text_get(json, &log) == ROUTINES_OK);
    CHECK(strstr(log.data, "hush-hush") == NULL);
    CHECK(routines_text_destroy(json) == ROUTINES_OK);
  }
  run_and_expect(engine, "fail", "\"reason\":\"out_of_ideas\"");
  run_and_expect(engine, "abandon", "\"reason\":\"abandoned\"");

  CHECK_OK(routines_engine_run(engine, S(""), S("job"), S("hold"), &json, &error));
  take_value(json, "session_id", session, sizeof(session));
  CHECK_CODE(
      ROUTINES_DEADLINE_EXCEEDED,
      routines_engine_follow_session(engine, S(session), 0, 1, count_entries, &entries, &error));
  CHECK_OK(routines_engine_cancel_session(engine, S(session), &error));
  CHECK_OK(routines_engine_wait_session(engine, S(session), 60 * kSecond, &json, &error));
  CHECK(take_contains(json, "\"state\":\"cancelled\""));

  /* Destroyed by another thread while this one waits. */
  CHECK_OK(routines_engine_run(engine, S(""), S("job"), S("hold"), &json, &error));
  take_value(json, "session_id", session, sizeof(session));
  CHECK(pthread_create(&other, NULL, destroy_engine, engine) == 0);
  CHECK_CODE(ROUTINES_CANCELLED,
             routines_engine_wait_session(engine, S(session), ROUTINES_NEVER, NULL, &error));
  pthread_join(other, NULL);
  CHECK(state.stopped == 1 && state.destroyed == 2);
  CHECK_CODE(ROUTINES_INVALID_HANDLE, routines_engine_stop(engine, &error));

  /* What was durable is there. */
  CHECK_OK(routines_engine_open(&options, &engine, &error));
  CHECK_OK(routines_engine_get_session(engine, S(state.session), &json, &error));
  CHECK(take_contains(json, "succeeded"));
  CHECK_OK(routines_engine_stop(engine, &error));
  CHECK_OK(routines_engine_stop(engine, &error));
  CHECK(routines_engine_destroy(engine) == ROUTINES_OK);
}

/* ---- tests of configurations ---- */

static void test_cases(const char* folder) {
  static const char kRoutine[] =
      "{name: r, prompt: p, triggers: [{id: opened, github: {repositories: [acme/api], event: "
      "issues, "
      "filters: [{field: title, operator: contains, value: cent}]}}]}";
  routines_event event = ROUTINES_EVENT_INIT;
  routines_text* json = NULL;
  char path[128];

  CHECK_OK(
      routines_test_event(S("{github: issues, id: d1, fields: {title: a cent}}"), &json, &error));
  CHECK(take_contains(json, "{\"source\":\"github\",\"type\":\"issues\",\"external_id\":\"d1\""));
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT, routines_test_event(S("{github: isues}"), &json, &error));

  event.source = S("custom");
  event.type = S("issues");
  CHECK_OK(routines_test_try(&event, S(kRoutine), 0, S("no_match"), &json, &error));
  CHECK(take_contains(json, "{\"passed\":true,\"result\":{"));
  CHECK_OK(routines_test_try(&event, S(kRoutine), 1, S(""), &json, &error));
  CHECK(take_contains(json, "{\"passed\":false,"));
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT,
             routines_test_try(&event, S(kRoutine), 2, S(""), &json, &error));

  snprintf(path, sizeof(path), "%s/r.yaml", folder);
  write_file(path, kRoutine);
  snprintf(path, sizeof(path), "%s/r.test.yaml", folder);
  write_file(
      path,
      "cases:\n- {name: cents, event: {github: issues, fields: {title: a cent}}, expect: fires}\n"
      "- {name: fails, event: {github: issues}, expect: does_not_fire, because: paused}\n");
  CHECK_OK(routines_test_list(S(path), &json, &error));
  CHECK(take_contains(json, "\"cases\":[{\"name\":\"cents\",\"line\":2},{\"name\":\"fails\""));
  CHECK_OK(routines_test_run(S(path), &json, &error));
  CHECK(take_contains(json, "\"passed\":true,\"fired\":[\"default/r/opened\"]"));
  CHECK_OK(routines_test_run(S(path), &json, &error));
  CHECK(take_contains(json, "expected that it does not fire"));
  CHECK_CODE(ROUTINES_INVALID_ARGUMENT, routines_test_run(S("absent.test.yaml"), &json, &error));
}

/* ---- fork ---- */

static void test_fork(void) {
  routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
  routines_engine* engine = NULL;
  routines_matcher* matcher = NULL;
  routines_text* text = NULL;
  int status = 0;
  CHECK_OK(routines_engine_open(&options, &engine, &error));
  CHECK_OK(routines_matcher_create(&matcher, &error));
  CHECK_OK(routines_engine_start(engine, &error));
  CHECK(routines_text_create(S("kept"), &text) == ROUTINES_OK);
  const pid_t child = fork();
  if (child == 0) {
    size_t count;
    CHECK(routines_engine_stats(engine, &text, NULL) == ROUTINES_FORKED);
    CHECK(routines_engine_destroy(engine) == ROUTINES_FORKED);
    CHECK(routines_matcher_size(matcher, &count) == ROUTINES_FORKED);
    routines_engine* own = NULL;
    CHECK(routines_engine_open(&options, &own, NULL) == ROUTINES_OK);
    CHECK(routines_engine_destroy(own) == ROUTINES_OK);
    _exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(take_contains(text, "kept"));
  CHECK(routines_matcher_destroy(matcher) == ROUTINES_OK);
  CHECK(routines_engine_destroy(engine) == ROUTINES_OK);
}

int main(void) {
  char folder[] = "/tmp/routines-capi-XXXXXX";
  test_fork(); /* before there are other threads, as sanitizers want it */
  test_versions();
  test_load();
  test_matcher();
  test_schedule();
  test_signature();
  test_engine_simulated();
  CHECK(mkdtemp(folder) != NULL);
  test_cases(folder);
  test_engine_on_a_folder(folder);
  char command[64];
  snprintf(command, sizeof(command), "rm -rf %s", folder);
  CHECK(system(command) == 0);
  puts("passed");
  return 0;
}
