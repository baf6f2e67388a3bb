#include "src/cli/github_reconciler.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/base/status_macros.h"
#include "src/cli/json_value.h"

namespace routines::cli {
namespace {

constexpr int kMaxTries = 4;  // of one request that GitHub's servers fail

// One event, over all attempts to deliver it.
struct Tried {
  int64_t oldest = 0, newest = 0;  // delivery ids
  int attempts = 0;
  bool came_through = false;
};

std::string Header(const HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? "" : found->second;
}

// How long GitHub wants to be left alone; nothing where the answer is no matter of limits.
std::optional<absl::Duration> LimitOf(const HttpResponse& response, absl::Time now) {
  int64_t seconds = 0;
  if (response.status != 403 && response.status != 429) return std::nullopt;
  if (absl::SimpleAtoi(Header(response, "retry-after"), &seconds)) {
    return absl::Seconds(std::clamp<int64_t>(seconds, 1, 86'400));
  }
  if (Header(response, "x-ratelimit-remaining") == "0" &&
      absl::SimpleAtoi(Header(response, "x-ratelimit-reset"), &seconds)) {
    return std::max(absl::FromUnixSeconds(seconds) - now, absl::Seconds(1));
  }
  if (response.status == 429) return absl::Minutes(1);
  return std::nullopt;
}

absl::Status ErrorOf(const HttpResponse& response, const std::string& target) {
  const absl::StatusOr<JsonValue> body = JsonValue::Parse(response.body);
  const std::string said = body.ok() ? (*body)["message"].Text() : "";
  const std::string message = absl::StrCat("GitHub answered ", response.status, " to ", target,
                                           said.empty() ? "" : ": ", said.substr(0, 200));
  switch (response.status) {
    case 401:
      return absl::UnauthenticatedError(message);
    case 403:
      return absl::PermissionDeniedError(
          absl::StrCat(message, "; the token needs write access to the webhooks"));
    case 404:
      return absl::NotFoundError(
          absl::StrCat(message, "; is the hook's id right, and may the token see it?"));
    default:
      return absl::InternalError(message);
  }
}

// The value of `cursor` in the link to the next page (RFC 8288). Nothing else of the link is
// followed: the token must go nowhere but where it was meant for.
std::string NextCursor(const HttpResponse& response) {
  for (const absl::string_view link : absl::StrSplit(Header(response, "link"), ',')) {
    if (!absl::StrContains(link, "rel=\"next\"")) continue;
    const size_t open = link.find('<');
    const size_t close = link.find('>');
    if (open == link.npos || close == link.npos || close < open) continue;
    const absl::string_view url = link.substr(open + 1, close - open - 1);
    const size_t question = url.find('?');
    if (question == url.npos) continue;
    for (const absl::string_view part : absl::StrSplit(url.substr(question + 1), '&')) {
      if (absl::StartsWith(part, "cursor=")) return std::string(part.substr(7));
    }
  }
  return "";
}

class Run {
 public:
  explicit Run(const ReconcileOptions& options) : options_(options) {}

  absl::StatusOr<ReconcileReport> Go() {
    RETURN_IF_ERROR(List());
    ReconcileReport report;
    report.events = static_cast<int>(tried_.size());
    // The oldest first, in the order in which they happened.
    std::vector<Tried> failed;
    for (const auto& [guid, tried] : tried_) {
      if (!tried.came_through) failed.push_back(tried);
    }
    std::sort(failed.begin(), failed.end(),
              [](const Tried& a, const Tried& b) { return a.oldest < b.oldest; });
    report.failed = static_cast<int>(failed.size());
    report.done_until = std::max(newest_, options_.done_until);
    for (const Tried& tried : failed) {
      if (tried.attempts >= options_.max_attempts) {
        ++report.given_up;
        continue;
      }
      // Whether the attempt comes through, the next run sees.
      report.done_until = std::min(report.done_until, tried.oldest - 1);
      if (options_.dry_run) continue;
      RETURN_IF_ERROR(
          Send("POST", absl::StrCat(options_.hook, "/deliveries/", tried.newest, "/attempts"))
              .status());
      ++report.redelivered;
    }
    return report;
  }

 private:
  absl::Status List() {
    const absl::Time oldest = options_.now - options_.since;
    std::string cursor;
    do {
      const std::string target =
          absl::StrCat(options_.hook, "/deliveries?per_page=100",
                       cursor.empty() ? "" : absl::StrCat("&cursor=", cursor));
      ASSIGN_OR_RETURN(const HttpResponse response, Send("GET", target));
      absl::StatusOr<JsonValue> page = JsonValue::Parse(response.body);
      if (!page.ok()) return absl::InternalError("GitHub's list of deliveries is no JSON");
      for (const JsonValue& delivery : page->Items()) {
        absl::Time at;
        const bool dated =
            absl::ParseTime(absl::RFC3339_full, delivery["delivered_at"].Text(), &at, nullptr);
        if (delivery["id"].Int() <= options_.done_until || (dated && at < oldest)) {
          return absl::OkStatus();
        }
        Add(delivery);
      }
      cursor = NextCursor(response);
    } while (!cursor.empty());
    return absl::OkStatus();
  }

  void Add(const JsonValue& delivery) {
    const int64_t id = delivery["id"].Int();
    const int64_t status = delivery["status_code"].Int();
    const auto [entry, first] = tried_.try_emplace(delivery["guid"].Text(), Tried{id, id});
    Tried& tried = entry->second;
    tried.oldest = std::min(tried.oldest, id);
    tried.newest = std::max(tried.newest, id);
    ++tried.attempts;
    tried.came_through |= status >= 200 && status < 300;
    newest_ = std::max(newest_, id);
  }

  // Waits out limits and short failures.
  absl::StatusOr<HttpResponse> Send(const char* method, const std::string& target) {
    for (int tries = 1;; ++tries) {
      if (++requests_ > options_.max_requests) {
        return absl::ResourceExhaustedError(
            absl::StrCat("more than ", options_.max_requests, " requests; run it again"));
      }
      absl::StatusOr<HttpResponse> response = options_.send({.method = method, .target = target});
      if (response.ok() && response->status / 100 == 2) return response;
      absl::Duration wait = absl::Seconds(1 << (tries - 1));
      if (response.ok()) {
        const auto limit = LimitOf(*response, options_.now + waited_);
        if (!limit && response->status < 500) return ErrorOf(*response, target);
        if (limit) wait = *limit;
      }
      if (tries >= kMaxTries) {
        return response.ok() ? ErrorOf(*response, target) : response.status();
      }
      if (waited_ + wait > options_.max_wait) {
        return absl::ResourceExhaustedError(absl::StrCat(
            "GitHub asks to wait for ", absl::FormatDuration(wait), "; run it again then"));
      }
      waited_ += wait;
      options_.sleep(wait);
    }
  }

  const ReconcileOptions& options_;
  std::map<std::string, Tried> tried_;  // by guid
  int64_t newest_ = 0;
  int requests_ = 0;
  absl::Duration waited_;
};

}  // namespace

absl::StatusOr<ReconcileReport> Reconcile(const ReconcileOptions& options) {
  return Run(options).Go();
}

}  // namespace routines::cli
