#include "src/connector/stdio_channel.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "src/base/status_macros.h"

namespace routines {
namespace {

// Servers that mind the end of their input are gone sooner; the others get TERM then.
constexpr absl::Duration kPatience = absl::Milliseconds(300);

class StdioChannel : public Channel {
 public:
  explicit StdioChannel(InteractiveProcess::Options options)
      : on_stray_(Serialized(options)), process_(std::move(options)) {}

  absl::Status Send(std::string_view message, bool) override { return process_.WriteLine(message); }

  absl::StatusOr<std::string> Receive() override {
    while (true) {
      ASSIGN_OR_RETURN(std::string line, process_.ReadLine());
      const size_t start = line.find_first_not_of(" \t\r");
      if (start == line.npos) continue;
      if (line[start] == '{' || line[start] == '[') return line;
      if (on_stray_) on_stray_(absl::StrCat(line, "\n"));
    }
  }

  void Close() override { process_.End(kPatience); }

 private:
  // Two threads use it: ours and the process's.
  static std::function<void(std::string_view)> Serialized(InteractiveProcess::Options& options) {
    if (!options.on_stderr) return nullptr;
    options.on_stderr = [mu = std::make_shared<absl::Mutex>(),
                         wanted = std::move(options.on_stderr)](std::string_view bytes) {
      absl::MutexLock lock(mu.get());
      wanted(bytes);
    };
    return options.on_stderr;
  }

  const std::function<void(std::string_view)> on_stray_;
  InteractiveProcess process_;
};

}  // namespace

std::unique_ptr<Channel> NewStdioChannel(InteractiveProcess::Options options) {
  return std::make_unique<StdioChannel>(std::move(options));
}

}  // namespace routines
