// What happened in a simulated world, as those outside of the engines saw it.
#ifndef ROUTINES_TESTS_SIM_HISTORY_H_
#define ROUTINES_TESTS_SIM_HISTORY_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "routines/v1/routine.pb.h"

namespace routines::sim {

// An OK that reached a client.
struct Ack {
  std::string key;  // what the request is known by; empty: it has no key
  std::string event_id;
  std::string session_id;  // of a fire
  absl::Time time;
};

// One definition of a trigger's schedule. Clocks of engines differ from the true time by
// `kMostSkew` at most, and a save takes a while, so that its edges are blurred.
struct ScheduleSpan {
  std::string trigger_id;
  v1::ScheduleTrigger schedule;
  absl::Time asked, confirmed;                    // when it was saved
  absl::Time end_asked = absl::InfiniteFuture();  // when another was
  absl::Time end_confirmed = absl::InfiniteFuture();
  bool trigger_lives_on = true;  // after the end: what was due before is owed a decision
};

// A routine was paused between these; at the edges it may have been.
struct PauseSpan {
  std::string routine;
  absl::Time confirmed, end_asked;
};

struct AgentRun {
  int starts = 0;
  int outputs = 0;        // that the agent wrote
  bool finished = false;  // the agent reported an end, to an engine that lived
  bool said_success = false;
};

struct History {
  std::vector<Ack> fires, deliveries;
  std::vector<ScheduleSpan> spans;
  std::vector<PauseSpan> pauses;
  std::map<std::string, AgentRun> agents;  // by session
  std::vector<std::string> hostile;        // external ids of events that must not exist
  std::vector<std::string> problems;       // seen while it happened
  std::map<std::string, int> concurrency;  // routine → how many may run at once
  absl::Time begin, end;                   // true time; from `calm` on nothing fails
  absl::Time calm;
  absl::Duration skew;                    // of any clock, at most
  absl::Duration lag;                     // until a change is known to every engine
  absl::Duration settle;                  // in which a session ends, from `calm` on
  uint64_t digest = 0xcbf29ce484222325u;  // of all that happened, in order

  void Note(uint64_t what) { digest = (digest ^ what) * 0x100000001b3u; }
};

constexpr absl::Duration kMostSkew = absl::Minutes(10);

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_HISTORY_H_
