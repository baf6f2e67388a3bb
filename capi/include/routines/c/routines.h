/* The C ABI of routines: everything the C++ library does, for programs in C and for other languages.
 *
 *   routines_engine* engine = NULL;
 *   routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
 *   if (routines_engine_open(&options, &engine, &error) != ROUTINES_OK) …
 *
 * WHAT IS STABLE. What is in this header works with every later library of the same ABI major (the
 * number in the file name libroutines_c.so.0): functions, codes and members are only ever appended.
 * docs/api_stability.md has the rules.
 *
 * HANDLES. Every noun (routines_engine, routines_matcher …) is a handle: a pointer that means nothing
 * to you and must not be followed. A handle that is NULL, was destroyed, is of another noun, or never
 * was one gives ROUTINES_INVALID_HANDLE, from any thread, at any time; nothing else happens. A
 * handle that is destroyed while another thread is in a call with it lives on until that call ends.
 *
 * RESULTS. Every function that can fail returns a routines_code. Out parameters are written where it is
 * ROUTINES_OK, and set to NULL or zero where it is not. A last parameter `error` may be NULL; otherwise
 * it gets, with a code other than ROUTINES_OK, an error to be destroyed by the caller, and NULL with
 * ROUTINES_OK. The code says what to do:
 *   ROUTINES_INVALID_ARGUMENT                     what you gave is wrong; never try it again
 *   ROUTINES_FAILED_PRECONDITION                  change something first
 *   ROUTINES_UNAVAILABLE, _RESOURCE_EXHAUSTED     try again later
 *   ROUTINES_INTERNAL                             our bug, or an exception that a callback threw
 *   ROUTINES_INVALID_HANDLE, _FORKED              yours
 * Besides those that a function names, each may return ROUTINES_INVALID_HANDLE, ROUTINES_INVALID_ARGUMENT
 * (a NULL out parameter, a struct_size that cannot be, text that is not UTF-8, a length beyond
 * ROUTINES_MAX_BYTES), ROUTINES_RESOURCE_EXHAUSTED (no memory), ROUTINES_FORKED and ROUTINES_INTERNAL.
 *
 * TEXT. routines_string is UTF-8, routines_bytes is any bytes; neither needs a NUL at its end, and data
 * may be NULL where size is 0. What you pass is borrowed until the call returns, unless said otherwise.
 *
 * STRUCTS. Those that you make begin with struct_size; initialize them with their _INIT macro, which
 * sets it. A library that is newer than your header takes what yours had.
 *
 * THREADS. Every function may be called from any thread at once, unless said otherwise. Callbacks may
 * call everything, but not start, stop, step or destroy the engine that calls them, nor register
 * anything with it: ROUTINES_FAILED_PRECONDITION.
 *
 * FORK. In a child of fork() the engines, matchers, clocks, sinks and executions of the parent are gone:
 * ROUTINES_FORKED, also from their destroy. The child may make its own.
 *
 * TIME. Instants are nanoseconds since 1970-01-01 00:00:00 UTC, durations nanoseconds; both int64_t.
 */
#ifndef ROUTINES_C_ROUTINES_H_
#define ROUTINES_C_ROUTINES_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(ROUTINES_BUILDING_C)
#define ROUTINES_API __attribute__((visibility("default")))
#else
#define ROUTINES_API
#endif

/* Grows with every addition; the major part is that of the file name. */
#define ROUTINES_ABI_MAJOR 0
#define ROUTINES_ABI_MINOR 2

/* The longest text or payload that is taken: 64 MiB. */
#define ROUTINES_MAX_BYTES ((size_t)64 << 20)
/* "Never": after every instant, and longer than every duration. */
#define ROUTINES_NEVER INT64_MAX
/* Before every instant. */
#define ROUTINES_BEFORE_TIME INT64_MIN

/* The first seventeen are those of gRPC and Abseil. */
typedef enum routines_code {
  ROUTINES_OK = 0,
  ROUTINES_CANCELLED = 1,
  ROUTINES_UNKNOWN = 2,
  ROUTINES_INVALID_ARGUMENT = 3,
  ROUTINES_DEADLINE_EXCEEDED = 4,
  ROUTINES_NOT_FOUND = 5,
  ROUTINES_ALREADY_EXISTS = 6,
  ROUTINES_PERMISSION_DENIED = 7,
  ROUTINES_RESOURCE_EXHAUSTED = 8,
  ROUTINES_FAILED_PRECONDITION = 9,
  ROUTINES_ABORTED = 10,
  ROUTINES_OUT_OF_RANGE = 11,
  ROUTINES_UNIMPLEMENTED = 12,
  ROUTINES_INTERNAL = 13,
  ROUTINES_UNAVAILABLE = 14,
  ROUTINES_DATA_LOSS = 15,
  ROUTINES_UNAUTHENTICATED = 16,
  ROUTINES_INVALID_HANDLE = 100,
  ROUTINES_FORKED = 101,
  ROUTINES_CODE_IS_INT = 0x7fffffff
} routines_code;

/* Text in UTF-8. */
typedef struct routines_string {
  const char* data;
  size_t size;
} routines_string;

/* Any bytes. */
typedef struct routines_bytes {
  const void* data;
  size_t size;
} routines_bytes;

/* A NUL-terminated text as a routines_string; NULL is the empty one. */
static inline routines_string routines_str(const char* text) {
  routines_string string;
  string.data = text;
  string.size = text == NULL ? 0 : strlen(text);
  return string;
}

typedef struct routines_error routines_error;
typedef struct routines_text routines_text;
typedef struct routines_matcher routines_matcher;
typedef struct routines_matches routines_matches;
typedef struct routines_schedule routines_schedule;
typedef struct routines_clock routines_clock;
typedef struct routines_engine routines_engine;
typedef struct routines_execution routines_execution;
typedef struct routines_sink routines_sink;

/* ---- the library ------------------------------------------------------------------------------- */

/* ROUTINES_ABI_MAJOR * 1000 + ROUTINES_ABI_MINOR of the library that is loaded. Cannot fail. */
ROUTINES_API uint32_t routines_abi_version(void);

/* The library's version, "0.1.0". Lives for ever. Cannot fail. */
ROUTINES_API const char* routines_version(void);

/* The name of a code, "INVALID_ARGUMENT"; "?" for what is none. Lives for ever. Cannot fail. */
ROUTINES_API const char* routines_code_name(int code);

/* ---- errors and texts -------------------------------------------------------------------------- */

/* The error's code in *code. */
ROUTINES_API routines_code routines_error_code(const routines_error* error, int* code);

/* The error's message in *message: lower case, without a dot at its end; several problems are several
 * lines. A NUL follows it in memory. Owned by the error. */
ROUTINES_API routines_code routines_error_message(const routines_error* error, routines_string* message);

/* What is wrong with a routine, as a JSON array of {"path","line","column","message"} in *json; "[]"
 * for other errors. Owned by the error. */
ROUTINES_API routines_code routines_error_problems(const routines_error* error, routines_string* json);

/* Frees the error and what it owns. */
ROUTINES_API routines_code routines_error_destroy(routines_error* error);

/* A copy of `string`: what a secret provider answers with. */
ROUTINES_API routines_code routines_text_create(routines_string string, routines_text** text);

/* The text in *string; a NUL follows it in memory. Owned by the text. */
ROUTINES_API routines_code routines_text_get(const routines_text* text, routines_string* string);

/* Frees the text. */
ROUTINES_API routines_code routines_text_destroy(routines_text* text);

/* ---- routines ---------------------------------------------------------------------------------- */

/* Reads a routine file, YAML or JSON, strictly, and gives its JSON in *json, with defaults filled in.
 * `file` names the text in messages. ROUTINES_INVALID_ARGUMENT: every problem is in the error's
 * problems. Pure. */
ROUTINES_API routines_code routines_routine_load(routines_string text, routines_string file,
                                                 routines_text** json, routines_error** error);

/* ---- events ------------------------------------------------------------------------------------ */

/* One of the attributes of a custom event. */
typedef struct routines_attribute {
  routines_string name;
  routines_string value;
} routines_attribute;

/* Something that happened outside. */
typedef struct routines_event {
  size_t struct_size;
  routines_string source;  /* "github", or the name of a custom source */
  routines_string type;    /* GitHub: as in X-GitHub-Event; custom: the source's own */
  routines_bytes payload;  /* JSON; untrusted; GitHub: the raw body; custom: may be empty */
  const routines_attribute* attributes; /* of a custom event */
  size_t attribute_count;               /* at most 1,000 */
  /* What follows is for deliver and emit only. */
  routines_string external_id; /* delivery id, or the source's own: a second event of the same source,
                                  account and id within 8 days is a duplicate */
  routines_string account;     /* only its routines; empty: everybody's */
  routines_string body_key;    /* with replay_window_ns: a second event with the same is a duplicate too,
                                  such as the hash of a signed body */
  int64_t replay_window_ns;
} routines_event;
#define ROUTINES_EVENT_INIT {sizeof(routines_event), {0, 0}, {0, 0}, {0, 0}, 0, 0, {0, 0}, {0, 0}, {0, 0}, 0}

/* Whether the payload is JSON that can be read in one way only, and, where source is "github", fits the
 * type. Match and explain rely on it; deliver looks itself. ROUTINES_INVALID_ARGUMENT says what is
 * wrong, and at which byte. Pure. */
ROUTINES_API routines_code routines_event_check(const routines_event* event, routines_error** error);

/* Every condition of a routine (YAML or JSON), its expected and actual value and whether it held, in
 * *json: {"account","routine","matched","triggers":[{"trigger","index","matched","conditions":[…],
 * "text"}]}. Pure. ROUTINES_INVALID_ARGUMENT: the routine, or the payload of a GitHub event. */
ROUTINES_API routines_code routines_event_explain(const routines_event* event, routines_string routine,
                                                  routines_text** json, routines_error** error);

/* ---- matcher ----------------------------------------------------------------------------------- */

/* A trigger that an event starts. */
typedef struct routines_match {
  uint64_t routine; /* as routines_matcher_put gave it */
  uint32_t trigger; /* index in the routine's triggers */
  uint32_t reserved;
} routines_match;

/* An empty set of routines in *matcher. Calls with it may run at once on any number of threads. */
ROUTINES_API routines_code routines_matcher_create(routines_matcher** matcher, routines_error** error);

/* Waits for a thread of the matcher's own that merges its index, where one runs. */
ROUTINES_API routines_code routines_matcher_destroy(routines_matcher* matcher);

/* Adds a routine (YAML or JSON), or replaces the one of the same account and name. *routine, where not
 * NULL, gets its number, which never is another routine's. ROUTINES_INVALID_ARGUMENT: its problems. */
ROUTINES_API routines_code routines_matcher_put(routines_matcher* matcher, routines_string text,
                                                uint64_t* routine, routines_error** error);

/* Many, all of them or none. `numbers`, where not NULL, has room for `count` and gets theirs.
 * ROUTINES_INVALID_ARGUMENT: nothing was added; the message begins with the index of the first that
 * is wrong. */
ROUTINES_API routines_code routines_matcher_put_all(routines_matcher* matcher, const routines_string* texts,
                                                    size_t count, uint64_t* numbers,
                                                    routines_error** error);

/* ROUTINES_NOT_FOUND: there is no such routine. */
ROUTINES_API routines_code routines_matcher_remove(routines_matcher* matcher, routines_string account,
                                                   routines_string name, routines_error** error);

/* How many routines there are, in *count. */
ROUTINES_API routines_code routines_matcher_size(const routines_matcher* matcher, size_t* count);

/* Room for the answers of one thread, in *matches; keep it, so that nothing is allocated later. */
ROUTINES_API routines_code routines_matches_create(routines_matches** matches, routines_error** error);

/* Frees the room and the answer in it. */
ROUTINES_API routines_code routines_matches_destroy(routines_matches* matches);

/* Fills `matches` with the triggers that the event starts. The payload must have passed
 * routines_event_check; of one that has not, the answer may be anything but a crash. Never blocks.
 * ROUTINES_FAILED_PRECONDITION: another thread is using `matches`. */
ROUTINES_API routines_code routines_matcher_match(const routines_matcher* matcher,
                                                  const routines_event* event, routines_matches* matches,
                                                  routines_error** error);

/* The last answer: *count of *list. Owned by `matches`, until the next match or its end. */
ROUTINES_API routines_code routines_matches_get(const routines_matches* matches,
                                                const routines_match** list, size_t* count);

/* Names of a match, {"account","routine","trigger","index"}, in *json. ROUTINES_NOT_FOUND: the routine
 * was removed, or has fewer triggers now. */
ROUTINES_API routines_code routines_matcher_name(const routines_matcher* matcher, uint64_t routine,
                                                 uint32_t trigger, routines_text** json,
                                                 routines_error** error);

/* ---- schedules --------------------------------------------------------------------------------- */

/* A cron expression of five fields or a macro, in an IANA time zone (empty: UTC), in *schedule, which
 * never changes. ROUTINES_INVALID_ARGUMENT: which field, and how to mend it. */
ROUTINES_API routines_code routines_schedule_parse(routines_string cron, routines_string time_zone,
                                                   routines_schedule** schedule, routines_error** error);

/* Frees the schedule. */
ROUTINES_API routines_code routines_schedule_destroy(routines_schedule* schedule);

/* The first instant after `after_ns` in *next_ns; ROUTINES_NEVER: it fires never again. */
ROUTINES_API routines_code routines_schedule_next(const routines_schedule* schedule, int64_t after_ns,
                                                  int64_t* next_ns);

/* The last instant before `before_ns` in *previous_ns; ROUTINES_BEFORE_TIME: there is none. */
ROUTINES_API routines_code routines_schedule_previous(const routines_schedule* schedule, int64_t before_ns,
                                                      int64_t* previous_ns);

/* The instants from `from_ns` (included) to `to_ns` (not included), the first `capacity` of them (at
 * most 1,000,000) into `instants_ns`; how many in *count. */
ROUTINES_API routines_code routines_schedule_between(const routines_schedule* schedule, int64_t from_ns,
                                                     int64_t to_ns, int64_t* instants_ns, size_t capacity,
                                                     size_t* count);

/* "weekdays at 02:07 in Europe/Berlin" in *text. */
ROUTINES_API routines_code routines_schedule_describe(const routines_schedule* schedule,
                                                      routines_text** text, routines_error** error);

/* ---- signatures of GitHub ---------------------------------------------------------------------- */

/* *valid becomes 1 where `header` (X-Hub-Signature-256) is the HMAC-SHA256 of the raw body under the
 * secret, else 0; also for an empty secret. In constant time. Pure. */
ROUTINES_API routines_code routines_github_verify_signature(routines_bytes secret, routines_bytes body,
                                                            routines_bytes header, int* valid);

/* The header's value for a body, in *header: for tests and senders. Pure. */
ROUTINES_API routines_code routines_github_sign_body(routines_bytes secret, routines_bytes body,
                                                     routines_text** header, routines_error** error);

/* ---- a clock that moves when told -------------------------------------------------------------- */

/* A clock that stands at `start_ns`, in *clock. An engine that was opened with it keeps it alive. */
ROUTINES_API routines_code routines_clock_create_simulated(int64_t start_ns, routines_clock** clock,
                                                           routines_error** error);

/* Frees the clock where no engine has it. */
ROUTINES_API routines_code routines_clock_destroy(routines_clock* clock);

/* Its time in *now_ns. */
ROUTINES_API routines_code routines_clock_now(routines_clock* clock, int64_t* now_ns);

/* Moves it forward; wakes who waits. ROUTINES_INVALID_ARGUMENT: back. */
ROUTINES_API routines_code routines_clock_advance(routines_clock* clock, int64_t duration_ns,
                                                  routines_error** error);

/* ---- what a host plugs in ---------------------------------------------------------------------- */
/*
 * A plug-in is a struct of functions and a pointer of yours, `self`, that each gets. The struct is
 * copied. `destroy` (may be NULL) is called exactly once, when no call of it runs any more and none will
 * come, on any thread; also where registering it failed. An exception that a function throws is caught.
 */

/* How a session ended. */
typedef struct routines_outcome {
  size_t struct_size;
  int succeeded;           /* 0: it failed */
  routines_string reason;  /* one word for programs, of a failure; empty: "agent_error" */
  routines_string message; /* for people */
} routines_outcome;
#define ROUTINES_OUTCOME_INIT {sizeof(routines_outcome), 1, {0, 0}, {0, 0}}

/* Everything that an agent runs in keeps to the sandbox of its request. */
#define ROUTINES_EXECUTOR_KEEPS_TO_SANDBOX 1u
/* `start` does not block: it is called on a thread of the engine, not on one of its own. */
#define ROUTINES_EXECUTOR_START_INLINE 2u

/* Runs the agent of a session. `start` may block: each call has a thread of its own (but see
 * ROUTINES_EXECUTOR_START_INLINE). It owns `execution`, which must be finished or destroyed, by whichever
 * thread, in time; one that is destroyed without being finished fails its session ("abandoned"). A
 * session that was cancelled must be finished within the engine's cancel grace; after that it is no longer
 * waited for, and its handle ends. */
typedef struct routines_executor {
  size_t struct_size;
  void* self;
  void (*start)(void* self, routines_execution* execution);
  void (*destroy)(void* self);
  uint32_t flags;
  uint32_t reserved;
} routines_executor;
#define ROUTINES_EXECUTOR_INIT {sizeof(routines_executor), 0, 0, 0, 0, 0}

/* A source of events. `start` gets the engine's sink, must not block, and returns ROUTINES_OK; any other
 * code fails routines_engine_start. The sink lives until `destroy`. `stop` is called once after a start
 * that went well; it returns when the source emits no more. */
typedef struct routines_source {
  size_t struct_size;
  void* self;
  routines_code (*start)(void* self, routines_sink* sink);
  void (*stop)(void* self);
  void (*destroy)(void* self);
} routines_source;
#define ROUTINES_SOURCE_INIT {sizeof(routines_source), 0, 0, 0, 0}

/* Where the values of secrets come from. `get` makes *value with routines_text_create and returns
 * ROUTINES_OK, or returns ROUTINES_NOT_FOUND (the session fails) or ROUTINES_UNAVAILABLE (it is retried).
 * May block, and may be called from several threads at once. The engine destroys the text. */
typedef struct routines_secrets {
  size_t struct_size;
  void* self;
  routines_code (*get)(void* self, routines_string account, routines_string name, routines_text** value);
  void (*destroy)(void* self);
} routines_secrets;
#define ROUTINES_SECRETS_INIT {sizeof(routines_secrets), 0, 0, 0}

/* ---- engine: its life -------------------------------------------------------------------------- */

/* What an engine is opened with; zero is the default everywhere. */
typedef struct routines_engine_options {
  size_t struct_size;
  routines_string state_directory; /* SQLite, workspaces, secrets; empty: all in memory */
  routines_clock* clock;           /* NULL: the system's */
  const routines_secrets* secrets; /* NULL: the files of <state_directory>/secrets; in memory none */
  routines_string default_executor; /* empty: the only one that is registered */
  int64_t min_schedule_interval_ns; /* a faster schedule is refused; 0: one hour */
  int64_t default_max_duration_ns;  /* of an agent; 0: two hours */
  int64_t cancel_grace_ns;          /* for an executor to end; 0: 15 seconds */
  int32_t max_concurrent_sessions;  /* 0: 16 */
  int32_t reserved;
} routines_engine_options;
#define ROUTINES_ENGINE_OPTIONS_INIT {sizeof(routines_engine_options), {0, 0}, 0, 0, {0, 0}, 0, 0, 0, 0, 0}

/* An engine, not started yet, in *engine. ROUTINES_FAILED_PRECONDITION: another engine has the folder.
 * ROUTINES_DATA_LOSS: its database is broken. ROUTINES_UNIMPLEMENTED: this library was built without
 * engines on a folder. Blocks on the disk. */
ROUTINES_API routines_code routines_engine_open(const routines_engine_options* options,
                                                routines_engine** engine, routines_error** error);

/* Stops the engine and frees it. Blocks until callbacks in flight have returned, but for one that a
 * blocking executor does not return from: for that, the cancel grace. Calls on other threads that
 * wait for a session end with ROUTINES_CANCELLED. */
ROUTINES_API routines_code routines_engine_destroy(routines_engine* engine);

/* Registers an executor under a name (1 to 63 of a-z 0-9 - _, first no -), before start or step; keeps a copy
 * of the struct. ROUTINES_ALREADY_EXISTS; ROUTINES_FAILED_PRECONDITION: too late. */
ROUTINES_API routines_code routines_engine_register_executor(routines_engine* engine, routines_string name,
                                                             const routines_executor* executor,
                                                             routines_error** error);

/* Registers a program as executor: argv, of which the first is looked up in PATH; the prompt comes on its
 * standard input. ROUTINES_UNIMPLEMENTED: this library was built without executors. */
ROUTINES_API routines_code routines_engine_register_program(routines_engine* engine, routines_string name,
                                                            const routines_string* arguments, size_t count,
                                                            routines_error** error);

/* Registers a source of events under the name that triggers of kind `custom` give as source, before start
 * or step. Its events carry that name, whatever they say. */
ROUTINES_API routines_code routines_engine_add_source(routines_engine* engine, routines_string name,
                                                      const routines_source* source, routines_error** error);

/* Starts the sources and the threads of the engine. ROUTINES_FAILED_PRECONDITION: it was started or
 * stopped before. A source that does not start fails it; nothing runs then. */
ROUTINES_API routines_code routines_engine_start(routines_engine* engine, routines_error** error);

/* Stops the sources, cancels what runs and waits for it. Sessions whose agent has not started are run by
 * the next engine on the folder. A second call does nothing. */
ROUTINES_API routines_code routines_engine_stop(routines_engine* engine, routines_error** error);

/* Without start, on the caller's thread: does what is due at the clock's time. *next_ns, where not NULL,
 * gets when something is due next. ROUTINES_FAILED_PRECONDITION: the engine was started. */
ROUTINES_API routines_code routines_engine_step(routines_engine* engine, int64_t* next_ns,
                                                routines_error** error);

/* Moves the engine's simulated clock by `duration_ns`, with a step at each instant at which something is
 * due. ROUTINES_FAILED_PRECONDITION: it has the system's clock, or was started. */
ROUTINES_API routines_code routines_engine_advance(routines_engine* engine, int64_t duration_ns,
                                                   routines_error** error);

/* Counters since open and gauges of now, as JSON in *json. */
ROUTINES_API routines_code routines_engine_stats(routines_engine* engine, routines_text** json,
                                                 routines_error** error);

/* ---- engine: routines -------------------------------------------------------------------------- */
/* JSON of messages is that of the command line (--json) and of the HTTP API. An empty account is
 * "default" where one routine is meant. All of these block on the disk. */

/* Saves a routine (YAML or JSON); *json, where not NULL, gets it as saved. ROUTINES_INVALID_ARGUMENT:
 * its problems. ROUTINES_ALREADY_EXISTS: a trigger's id is another routine's. */
ROUTINES_API routines_code routines_engine_put_routine(routines_engine* engine, routines_string text,
                                                       routines_string file, routines_text** json,
                                                       routines_error** error);

/* A saved routine at `revision` (0: the newest) in *json. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_get_routine(routines_engine* engine, routines_string account,
                                                       routines_string name, int64_t revision,
                                                       routines_text** json, routines_error** error);

/* {"routines":[…]} in *json; an empty account: those of all. */
ROUTINES_API routines_code routines_engine_list_routines(routines_engine* engine, routines_string account,
                                                         routines_text** json, routines_error** error);

/* Pauses (1) or resumes (0) a routine. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_pause_routine(routines_engine* engine, routines_string account,
                                                         routines_string name, int paused,
                                                         routines_error** error);

/* Deletes a routine, its triggers' ids and tokens; its sessions go on. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_delete_routine(routines_engine* engine, routines_string account,
                                                          routines_string name, routines_error** error);

/* ---- engine: tokens of API triggers ------------------------------------------------------------ */

/* {"token":{…},"secret":"…"} in *json; the secret is shown here and never again.
 * ROUTINES_FAILED_PRECONDITION: two are active already. */
ROUTINES_API routines_code routines_engine_create_token(routines_engine* engine, routines_string trigger_id,
                                                        routines_text** json, routines_error** error);

/* As create; those that were active end after `overlap_ns`. */
ROUTINES_API routines_code routines_engine_rotate_token(routines_engine* engine, routines_string trigger_id,
                                                        int64_t overlap_ns, routines_text** json,
                                                        routines_error** error);

/* ROUTINES_NOT_FOUND: there is no such token. */
ROUTINES_API routines_code routines_engine_revoke_token(routines_engine* engine, routines_string token_id,
                                                        routines_error** error);

/* {"tokens":[…]} in *json. */
ROUTINES_API routines_code routines_engine_list_tokens(routines_engine* engine, routines_string trigger_id,
                                                       routines_text** json, routines_error** error);

/* ROUTINES_OK: `secret` is an active token of the trigger. ROUTINES_UNAUTHENTICATED: everything else, at
 * the same cost. */
ROUTINES_API routines_code routines_engine_check_token(routines_engine* engine, routines_string trigger_id,
                                                       routines_string secret, routines_error** error);

/* ---- engine: events ---------------------------------------------------------------------------- */

/* Takes in an event and starts what it matches; OK means durable. {"event_id","duplicate",
 * "decision_count","decisions":[…]} in *json, where not NULL. ROUTINES_INVALID_ARGUMENT: the event.
 * ROUTINES_UNAVAILABLE: it is not durable, try again with the same external_id. */
ROUTINES_API routines_code routines_engine_deliver(routines_engine* engine, const routines_event* event,
                                                   routines_text** json, routines_error** error);

/* Fires an API trigger; OK means durable. The text is untrusted. A second fire with the same
 * idempotency_key (may be empty) within 24 hours gets the first answer. {"event_id","session_id",
 * "read_key","duplicate"} in *json, where not NULL. ROUTINES_NOT_FOUND; ROUTINES_FAILED_PRECONDITION: paused
 * or disabled. */
ROUTINES_API routines_code routines_engine_fire(routines_engine* engine, routines_string trigger_id,
                                                routines_string text, routines_string idempotency_key,
                                                routines_text** json, routines_error** error);

/* Runs a routine now, whatever its triggers, also when it is paused; *json, where not NULL, as of
 * fire. */
ROUTINES_API routines_code routines_engine_run(routines_engine* engine, routines_string account,
                                               routines_string name, routines_string text,
                                               routines_text** json, routines_error** error);

/* A stored event, without its payload, in *json. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_get_event(routines_engine* engine, routines_string event_id,
                                                     routines_text** json, routines_error** error);

/* {"events":[…]} in *json, newest first, older than before_id where that is not empty, at most `limit`
 * (1 to 1,000; 0: 100). */
ROUTINES_API routines_code routines_engine_list_events(routines_engine* engine, routines_string before_id,
                                                       int32_t limit, routines_text** json,
                                                       routines_error** error);

/* Why a stored event does, or does not, start a routine at `revision` (0: the newest), in *json:
 * {"revision","matched","triggers":[…],"gates":[…],"decisions":[…]}. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_explain_event(routines_engine* engine, routines_string event_id,
                                                         routines_string account, routines_string routine,
                                                         int64_t revision, routines_text** json,
                                                         routines_error** error);

/* {"decisions":[…]} in *json: of an event, or of a routine, newest first; one of the two is given. */
ROUTINES_API routines_code routines_engine_list_decisions(routines_engine* engine, routines_string event_id,
                                                          routines_string account, routines_string routine,
                                                          int32_t limit, routines_text** json,
                                                          routines_error** error);

/* ---- engine: sessions -------------------------------------------------------------------------- */

/* A session in *json. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_get_session(routines_engine* engine, routines_string session_id,
                                                       routines_text** json, routines_error** error);

/* Which sessions to list, newest first. */
typedef struct routines_session_query {
  size_t struct_size;
  routines_string account, routine; /* empty: any */
  routines_string states;           /* "queued,running"; empty: any */
  routines_string before_id;        /* only older ones */
  int32_t limit;                    /* 1 to 1,000; 0: 100 */
  int32_t reserved;
} routines_session_query;
#define ROUTINES_SESSION_QUERY_INIT {sizeof(routines_session_query), {0, 0}, {0, 0}, {0, 0}, {0, 0}, 0, 0}

/* {"sessions":[…]} in *json, newest first. */
ROUTINES_API routines_code routines_engine_list_sessions(routines_engine* engine,
                                                         const routines_session_query* query,
                                                         routines_text** json, routines_error** error);

/* {"events":[…],"next_after":N} in *json: the log after the sequence number `after`, at most `limit`
 * entries (1 to 1,000; 0: 1,000). */
ROUTINES_API routines_code routines_engine_read_log(routines_engine* engine, routines_string session_id,
                                                    int64_t after, int32_t limit, routines_text** json,
                                                    routines_error** error);

/* One entry of a log, as JSON, borrowed for the call. Not 0: enough. */
typedef int (*routines_log_callback)(void* self, routines_string entry);

/* Calls `callback` on the caller's thread for each entry after the sequence number `after`, as they
 * come, until the session has ended and its log is told: ROUTINES_OK. Blocks, in the real time, at most
 * `timeout_ns` (ROUTINES_NEVER: no limit). ROUTINES_DEADLINE_EXCEEDED; ROUTINES_CANCELLED: the callback
 * had enough, or the engine is being stopped; ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_follow_session(routines_engine* engine,
                                                          routines_string session_id, int64_t after,
                                                          int64_t timeout_ns, routines_log_callback callback,
                                                          void* self, routines_error** error);

/* Wishes a session to end; it does soon after. Nothing where it has ended. ROUTINES_NOT_FOUND. */
ROUTINES_API routines_code routines_engine_cancel_session(routines_engine* engine,
                                                          routines_string session_id,
                                                          routines_error** error);

/* Blocks until the session has ended, then gives it in *json, where not NULL. Timeout and codes as of
 * follow. */
ROUTINES_API routines_code routines_engine_wait_session(routines_engine* engine, routines_string session_id,
                                                        int64_t timeout_ns, routines_text** json,
                                                        routines_error** error);

/* ---- within an executor ------------------------------------------------------------------------ */

/* What to run: {"session":{…},"routine":{…},"prompt","workspace","working_directory","environment":{…}}
 * in *json. The environment holds secrets. Owned by the execution. */
ROUTINES_API routines_code routines_execution_request(routines_execution* execution, routines_string* json);

/* 1 in *cancelled where the session should end. */
ROUTINES_API routines_code routines_execution_cancelled(routines_execution* execution, int* cancelled);

/* A descriptor that becomes readable when the session should end, in *fd, for poll; not to be read or
 * closed. -1: there was none left; ask routines_execution_cancelled. */
ROUTINES_API routines_code routines_execution_cancel_fd(routines_execution* execution, int* fd);

/* Appends output of the agent to the session's log; `stream` is 1 (stdout) or 2 (stderr). Secrets are
 * redacted. Blocks while too much of the log is not yet durable. */
ROUTINES_API routines_code routines_execution_output(routines_execution* execution, int stream,
                                                     routines_string text, routines_error** error);

/* Appends what the agent said. */
ROUTINES_API routines_code routines_execution_assistant(routines_execution* execution, routines_string text,
                                                        routines_error** error);

/* Appends a tool's call; `input` is JSON. */
ROUTINES_API routines_code routines_execution_tool_call(routines_execution* execution,
                                                        routines_string call_id, routines_string name,
                                                        routines_string input, routines_error** error);

/* Appends what a tool answered. */
ROUTINES_API routines_code routines_execution_tool_result(routines_execution* execution,
                                                          routines_string call_id, int is_error,
                                                          routines_string text, routines_error** error);

/* Appends the agent's own verdict, which becomes the session's result. */
ROUTINES_API routines_code routines_execution_result(routines_execution* execution, int is_error,
                                                     routines_string text, routines_error** error);

/* Totals so far. */
typedef struct routines_usage {
  size_t struct_size;
  int64_t input_tokens, output_tokens, cache_read_tokens, cache_write_tokens;
  double cost_usd;
  int32_t turns;
  int32_t reserved;
} routines_usage;
#define ROUTINES_USAGE_INIT {sizeof(routines_usage), 0, 0, 0, 0, 0, 0, 0}

/* Appends what the agent used; limits of the routine are held to it. */
ROUTINES_API routines_code routines_execution_usage(routines_execution* execution,
                                                    const routines_usage* usage, routines_error** error);

/* Ends the session and the handle: a second call gets ROUTINES_INVALID_HANDLE. */
ROUTINES_API routines_code routines_execution_finish(routines_execution* execution,
                                                     const routines_outcome* outcome,
                                                     routines_error** error);

/* Ends the handle; the session fails with the reason "abandoned". */
ROUTINES_API routines_code routines_execution_destroy(routines_execution* execution);

/* ---- within a trigger source ------------------------------------------------------------------- */

/* Hands an event to the engine and blocks until it is durable; *json as of deliver, where not NULL.
 * Blocks too while 256 events of this source are on their way. ROUTINES_CANCELLED: the engine is
 * stopping. ROUTINES_UNAVAILABLE: not durable; try again with the same external_id. */
ROUTINES_API routines_code routines_sink_emit(routines_sink* sink, const routines_event* event,
                                              routines_text** json, routines_error** error);

/* What became of an event: ROUTINES_OK means durable. Must not block. */
typedef void (*routines_emit_callback)(void* self, routines_code code);

/* As emit, but returns when the event is handed over; `done` is called once, before this returns or later
 * on another thread, and only where this returned ROUTINES_OK. */
ROUTINES_API routines_code routines_sink_emit_async(routines_sink* sink, const routines_event* event,
                                                    routines_emit_callback done, void* self,
                                                    routines_error** error);

/* 1 in *stopping where the engine takes no more events. */
ROUTINES_API routines_code routines_sink_stopping(routines_sink* sink, int* stopping);

/* ---- tests of configurations ------------------------------------------------------------------- */
/* docs/testing_configs.md has the cases and the JSON of what came of them. Nothing here needs an engine, a
 * network, or waits. */

/* The event that `text` (YAML or JSON) describes, as under `event` in a test file, of kind github or
 * custom: {"source","type","external_id","account","attributes":{…},"payload":"…"} in *json, with the
 * payload as a string. ROUTINES_INVALID_ARGUMENT: every problem of it. */
ROUTINES_API routines_code routines_test_event(routines_string text, routines_text** json,
                                               routines_error** error);

/* What becomes of one event for one routine (YAML or JSON), on an engine of their own: {"passed",
 * "result":{…},"text"} in *json. `fires` is what is expected: 1, 0, or -1 for nothing; `because`, with 0, why
 * not, as in a test file. ROUTINES_INVALID_ARGUMENT: the routine. */
ROUTINES_API routines_code routines_test_try(const routines_event* event, routines_string routine,
                                             int32_t fires, routines_string because,
                                             routines_text** json, routines_error** error);

/* The cases of the test file at `path`, without running them: {"file","cases":[{"name","line"}]} in *json.
 * Reads files. ROUTINES_INVALID_ARGUMENT: its problems, and those of its routine files. */
ROUTINES_API routines_code routines_test_list(routines_string path, routines_text** json,
                                              routines_error** error);

/* Runs them: {"file","results":[{…}],"texts":["…"]} in *json, a result and its text for people for each
 * case, in the file's order. Codes as of routines_test_list. */
ROUTINES_API routines_code routines_test_run(routines_string path, routines_text** json,
                                             routines_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ROUTINES_C_ROUTINES_H_ */
