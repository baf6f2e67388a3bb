// The sources of events that a host registered: started and stopped with the engine.
//
// Thread-safety: every method may be called from any thread, but Start and Stop one after the
// other. Blocking: Stop waits for the sources' Stop, and for events of theirs that are on their
// way.
#ifndef ROUTINES_SRC_ENGINE_SOURCES_H_
#define ROUTINES_SRC_ENGINE_SOURCES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "routines/trigger_source.h"

namespace routines {

class SourceSink;

class Sources {
 public:
  using Deliver = std::function<void(DeliverRequest, EventSink::Done)>;

  explicit Sources(int max_backlog) : max_backlog_(max_backlog) {}
  ~Sources();

  // kAlreadyExists, kInvalidArgument: the name.
  absl::Status Add(std::string name, std::shared_ptr<TriggerSource> source);
  // Starts all, in the order of their names. Where one fails, those before it are stopped again.
  absl::Status Start(const Deliver& deliver);
  void Stop();

 private:
  const int max_backlog_;
  std::map<std::string, std::shared_ptr<TriggerSource>> sources_;
  struct Running {
    std::shared_ptr<TriggerSource> source;
    std::shared_ptr<SourceSink> sink;
  };
  std::vector<Running> running_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_SOURCES_H_
