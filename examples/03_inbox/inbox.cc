#include "inbox.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "routines/json.h"

namespace fs = std::filesystem;

absl::Status Inbox::Start(std::shared_ptr<routines::EventSink> sink) {
  std::error_code error;
  fs::create_directories(folder_ / "taken", error);
  watch_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watch_ < 0 || inotify_add_watch(watch_, folder_.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
    Stop();
    return absl::FailedPreconditionError("inbox: cannot watch " + folder_.string());
  }
  sink_ = std::move(sink);
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

// Emit ends, and poll with it, as soon as the sink is stopping.
void Inbox::Stop() {
  if (thread_.joinable()) thread_.join();
  if (watch_ >= 0) close(watch_);
  watch_ = -1;
  sink_ = nullptr;
}

void Inbox::Run() {
  while (!sink_->stopping().IsCancelled()) {
    const bool all = TakeAll();
    pollfd wait[] = {{watch_, POLLIN, 0}, {sink_->stopping().fd(), POLLIN, 0}};
    poll(wait, 2, all ? 1000 : 100);
    char changes[4096];
    while (read(watch_, changes, sizeof(changes)) > 0) {
    }
  }
}

bool Inbox::TakeAll() {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; it != end; it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  bool all = true;
  for (const fs::path& file : files) all = Take(file) && all;
  return all;
}

bool Inbox::Take(const fs::path& file) {
  const std::string name = file.filename().string();
  routines::DeliverRequest request;
  request.event.set_type("file");
  request.event.set_external_id(name);
  (*request.event.mutable_attributes())["name"] = name;
  request.event.set_payload("{\"path\":" + routines::JsonString(file.string()) + "}");
  const absl::Status status = sink_->Emit(std::move(request)).status();
  // What can never be taken must not be tried for ever.
  if (!status.ok() && !absl::IsInvalidArgument(status)) return false;
  std::error_code error;
  fs::rename(file, folder_ / "taken" / name, error);
  return !error;
}
