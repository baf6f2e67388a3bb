// A source of events: each file that appears in a folder. See docs/custom_triggers.md.
#ifndef INBOX_H_
#define INBOX_H_

#include <filesystem>
#include <memory>
#include <thread>

#include "routines/trigger_source.h"

// A file's name is its event's external_id. A file whose event was taken is moved to `taken` in the
// folder; so one that is there after a crash comes again, and is known.
class Inbox : public routines::TriggerSource {
 public:
  explicit Inbox(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~Inbox() override { Stop(); }

  absl::Status Start(std::shared_ptr<routines::EventSink> sink) override;
  void Stop() override;

 private:
  void Run();
  // False: some are left, to be tried again.
  bool TakeAll();
  bool Take(const std::filesystem::path& file);

  const std::filesystem::path folder_;
  std::shared_ptr<routines::EventSink> sink_;
  int watch_ = -1;
  std::thread thread_;
};

#endif  // INBOX_H_
