#define _GNU_SOURCE /* pipe2, DT_REG */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inbox_c.h"

struct inbox {
  char* folder;
  routines_sink* sink;
  int watch;   /* inotify */
  int wake[2]; /* a pipe: stop closes the end that is written to */
  pthread_t thread;
};

/* Gives a file to the engine, and moves it away once it was taken. 0: it is to be tried again. */
static int take(struct inbox* inbox, const char* name) {
  char path[4096], taken[4096], payload[32];
  routines_attribute attribute;
  routines_event event = ROUTINES_EVENT_INIT;
  routines_code code;
  struct stat status;
  snprintf(path, sizeof(path), "%s/%s", inbox->folder, name);
  snprintf(taken, sizeof(taken), "%s/taken/%s", inbox->folder, name);
  if (stat(path, &status) != 0) return 0;
  attribute.name = routines_str("name");
  attribute.value = routines_str(name);
  event.type = routines_str("file");
  event.external_id = routines_str(name); /* should it come again, it is known */
  event.attributes = &attribute;
  event.attribute_count = 1;
  event.payload.data = payload;
  event.payload.size =
      (size_t)snprintf(payload, sizeof(payload), "{\"size\": %lld}", (long long)status.st_size);
  code = routines_sink_emit(inbox->sink, &event, NULL, NULL);
  /* What can never be taken must not be tried for ever. */
  if (code != ROUTINES_OK && code != ROUTINES_INVALID_ARGUMENT) return 0;
  return rename(path, taken) == 0;
}

/* 0: some are left, to be tried again. */
static int take_all(struct inbox* inbox) {
  DIR* folder = opendir(inbox->folder);
  const struct dirent* entry;
  int all = folder != NULL;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    if (entry->d_type == DT_REG && !take(inbox, entry->d_name)) all = 0;
  }
  if (folder != NULL) closedir(folder);
  return all;
}

static void* run(void* self) {
  struct inbox* inbox = self;
  int stopping = 0;
  while (routines_sink_stopping(inbox->sink, &stopping) == ROUTINES_OK && !stopping) {
    const int all = take_all(inbox);
    struct pollfd wait[2] = {{inbox->watch, POLLIN, 0}, {inbox->wake[0], POLLIN, 0}};
    char changes[4096];
    poll(wait, 2, all ? 1000 : 100);
    while (read(inbox->watch, changes, sizeof(changes)) > 0) {
    }
  }
  return NULL;
}

static routines_code start(void* self, routines_sink* sink) {
  struct inbox* inbox = self;
  char taken[4096];
  inbox->sink = sink;
  snprintf(taken, sizeof(taken), "%s/taken", inbox->folder);
  mkdir(taken, 0700);
  if (pipe2(inbox->wake, O_CLOEXEC) != 0) return ROUTINES_RESOURCE_EXHAUSTED;
  inbox->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify_add_watch(inbox->watch, inbox->folder, IN_CLOSE_WRITE | IN_MOVED_TO) >= 0 &&
      pthread_create(&inbox->thread, NULL, run, inbox) == 0) {
    return ROUTINES_OK;
  }
  close(inbox->watch);
  close(inbox->wake[0]);
  close(inbox->wake[1]);
  return ROUTINES_FAILED_PRECONDITION;
}

/* The engine takes no more events by now: emit ends, and poll with it. */
static void stop(void* self) {
  struct inbox* inbox = self;
  close(inbox->wake[1]);
  pthread_join(inbox->thread, NULL);
  close(inbox->wake[0]);
  close(inbox->watch);
}

static void destroy(void* self) {
  struct inbox* inbox = self;
  free(inbox->folder);
  free(inbox);
}

routines_source inbox_source(const char* folder) {
  routines_source source = ROUTINES_SOURCE_INIT;
  struct inbox* inbox = calloc(1, sizeof(*inbox));
  if (inbox == NULL) return source;
  inbox->folder = strdup(folder);
  source.self = inbox;
  source.start = start;
  source.stop = stop;
  source.destroy = destroy;
  return source;
}
