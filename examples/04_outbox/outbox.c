#define _GNU_SOURCE /* pipe2 */
#include "outbox_c.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct outbox {
  char* database;
  routines_sink* sink;
  PGconn* connection;
  int wake[2]; /* a pipe: stop closes the end that is written to */
  pthread_t thread;
};

static PGresult* execute(struct outbox* outbox, const char* statement, const char* id,
                         const char* why) {
  const char* values[2];
  values[0] = id;
  values[1] = why;
  return PQexecParams(outbox->connection, statement, (id != NULL) + (why != NULL), NULL, values,
                      NULL, NULL, 0);
}

/* Whether the statement did it; frees its result. */
static int done(PGresult* result) {
  const int ok = PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  return ok;
}

/* Nothing here waits longer than five seconds, so that stop does not either. */
static int connected(struct outbox* outbox) {
  const char* names[] = {"connect_timeout", "options", "application_name", "dbname", NULL};
  const char* values[] = {"5", "-c statement_timeout=5s", "outbox", outbox->database, NULL};
  if (PQstatus(outbox->connection) == CONNECTION_OK) return 1;
  PQfinish(outbox->connection);
  outbox->connection = PQconnectdbParams(names, values, 1);
  return done(execute(outbox, "LISTEN routines_outbox", NULL, NULL));
}

/* 0: not taken; to be tried again. */
static int take(struct outbox* outbox, const char* id, const char* type, const char* payload) {
  routines_event event = ROUTINES_EVENT_INIT;
  routines_error* error = NULL;
  routines_string why = {"", 0};
  int taken = 0;
  event.external_id = routines_str(id);
  event.type = routines_str(type);
  event.payload.data = payload;
  event.payload.size = strlen(payload);
  switch (routines_sink_emit(outbox->sink, &event, NULL, &error)) {
    case ROUTINES_OK:
      taken = done(execute(outbox, "DELETE FROM routines_outbox WHERE id = $1", id, NULL));
      break;
    case ROUTINES_INVALID_ARGUMENT: /* nothing will ever take it */
      routines_error_message(error, &why);
      taken = done(execute(outbox, "UPDATE routines_outbox SET refused = $2 WHERE id = $1", id,
                           why.data == NULL ? "no reason given" : why.data));
      break;
    default:
      break;
  }
  if (error != NULL) routines_error_destroy(error);
  return taken;
}

/* 0: some are left, to be tried again. */
static int take_all(struct outbox* outbox) {
  int all = 1, count = 1, row;
  while (all && count > 0) {
    PGresult* rows = execute(outbox,
                             "SELECT id, type, payload FROM routines_outbox WHERE refused IS NULL"
                             " ORDER BY seq LIMIT 100",
                             NULL, NULL);
    all = PQresultStatus(rows) == PGRES_TUPLES_OK;
    count = PQntuples(rows);
    for (row = 0; all && row < count; ++row) {
      all = take(outbox, PQgetvalue(rows, row, 0), PQgetvalue(rows, row, 1),
                 PQgetvalue(rows, row, 2));
    }
    PQclear(rows);
  }
  return all;
}

static void* run(void* self) {
  struct outbox* outbox = self;
  int stopping = 0;
  while (routines_sink_stopping(outbox->sink, &stopping) == ROUTINES_OK && !stopping) {
    const int all = connected(outbox) && take_all(outbox);
    struct pollfd wait[2] = {{outbox->wake[0], POLLIN, 0}, {-1, POLLIN, 0}};
    PGnotify* notice;
    /* With nothing to do, until a NOTIFY, which may be lost; else a moment, for whatever is wrong.
     */
    if (all) wait[1].fd = PQsocket(outbox->connection);
    poll(wait, 2, all ? 5000 : 200);
    PQconsumeInput(outbox->connection);
    while ((notice = PQnotifies(outbox->connection)) != NULL) PQfreemem(notice);
  }
  return NULL;
}

static routines_code start(void* self, routines_sink* sink) {
  struct outbox* outbox = self;
  PQconninfoOption* parsed = PQconninfoParse(outbox->database, NULL);
  if (parsed == NULL) return ROUTINES_INVALID_ARGUMENT;
  PQconninfoFree(parsed);
  if (pipe2(outbox->wake, O_CLOEXEC) != 0) return ROUTINES_RESOURCE_EXHAUSTED;
  outbox->sink = sink;
  if (pthread_create(&outbox->thread, NULL, run, outbox) == 0) return ROUTINES_OK;
  close(outbox->wake[0]);
  close(outbox->wake[1]);
  return ROUTINES_RESOURCE_EXHAUSTED;
}

/* The engine takes no more events by now: emit ends, and poll with it. */
static void stop(void* self) {
  struct outbox* outbox = self;
  close(outbox->wake[1]);
  pthread_join(outbox->thread, NULL);
  close(outbox->wake[0]);
  PQfinish(outbox->connection);
  outbox->connection = NULL;
}

static void destroy(void* self) {
  struct outbox* outbox = self;
  free(outbox->database);
  free(outbox);
}

routines_source outbox_source(const char* database) {
  routines_source source = ROUTINES_SOURCE_INIT;
  struct outbox* outbox = calloc(1, sizeof(*outbox));
  if (outbox == NULL) return source;
  outbox->database = strdup(database);
  source.self = outbox;
  source.start = start;
  source.stop = stop;
  source.destroy = destroy;
  return source;
}
