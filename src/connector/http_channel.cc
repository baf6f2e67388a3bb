#include "src/connector/http_channel.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/base/sse_parser.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"
#include "src/connector/http_exchange.h"

namespace routines {
namespace {

constexpr int kMaxRedirects = 3;
constexpr size_t kMaxSessionId = 1024;
constexpr int64_t kMaxErrorBody = 4 << 10;
constexpr std::chrono::seconds kGoodbye(2);

// What an error status means to whoever wrote the routine.
std::string HintOf(int status) {
  switch (status) {
    case 401:
    case 403:
      return "; check the connector's headers and the secrets that they name";
    case 404:
      return "; check the connector's url";
    case 405:
    case 406:
      return "; it is not a Streamable HTTP endpoint (the HTTP+SSE transport of 2024 is not "
             "supported)";
    default:
      return "";
  }
}

class HttpChannel : public Channel {
 public:
  explicit HttpChannel(HttpChannelOptions options) : options_(std::move(options)) {}
  ~HttpChannel() override { Close(); }

  absl::Status Send(std::string_view message, bool is_request) override {
    ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> answer, Post(std::string(message)));
    if (!is_request) return absl::OkStatus();
    RETURN_IF_ERROR(KeepSession(answer->head().session_id));
    if (answer->head().content_type == "text/event-stream") {
      stream_ = std::move(answer);
      events_ = SseParser();
      return absl::OkStatus();
    }
    if (answer->head().content_type != "application/json") {
      return absl::FailedPreconditionError(
          absl::StrCat("answered with ", Quoted(answer->head().content_type),
                       " instead of application/json or text/event-stream"));
    }
    ASSIGN_OR_RETURN(std::string body, ReadAll(*answer));
    texts_.push_back(std::move(body));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Receive() override {
    while (texts_.empty()) {
      if (stream_ == nullptr) return absl::FailedPreconditionError("sent no answer");
      ASSIGN_OR_RETURN(const std::string piece, stream_->Read());
      RETURN_IF_ERROR(Count(piece.size()));
      if (piece.empty()) {
        stream_.reset();
        return absl::UnavailableError("ended its stream of events before it had answered");
      }
      for (SseEvent& event : events_.Feed(piece)) {
        if (event.type == "message" && !event.data.empty()) texts_.push_back(std::move(event.data));
      }
    }
    std::string text = std::move(texts_.front());
    texts_.pop_front();
    return text;
  }

  void SetProtocolVersion(std::string_view version) override { version_ = std::string(version); }

  // The session is the server's memory; whether it minds is its own affair.
  void Close() override {
    stream_.reset();
    if (session_id_.empty() || options_.limits.Cancelled()) return session_id_.clear();
    ChannelLimits limits = options_.limits;
    limits.deadline = std::chrono::steady_clock::now() + kGoodbye;
    HttpCall call = MakeCall("DELETE", "");
    session_id_.clear();
    (void)HttpExchange::Start(call, limits);
  }

 private:
  HttpCall MakeCall(const std::string& method, std::string body) const {
    HttpCall call = {method, options_.url, addresses_, options_.headers, std::move(body)};
    // In lower case they sort, and are set, after any other spelling of theirs.
    call.headers["accept"] = "application/json, text/event-stream";
    if (method == "POST") call.headers["content-type"] = "application/json";
    if (!session_id_.empty()) call.headers["mcp-session-id"] = session_id_;
    if (!version_.empty()) call.headers["mcp-protocol-version"] = version_;
    return call;
  }

  // The answer to one message, whose status is one of success.
  absl::StatusOr<std::unique_ptr<HttpExchange>> Post(const std::string& message) {
    for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
      if (addresses_.empty()) {
        ASSIGN_OR_RETURN(addresses_,
                         ResolveAllowed(options_.url.host, options_.allow_private_addresses,
                                        options_.resolver, options_.limits));
      }
      ASSIGN_OR_RETURN(std::unique_ptr<HttpExchange> answer,
                       HttpExchange::Start(MakeCall("POST", message), options_.limits));
      const int status = answer->head().status;
      if (status >= 200 && status < 300) return answer;
      if (status != 307 && status != 308) return Refused(*answer);
      RETURN_IF_ERROR(Redirect(answer->head().location));
    }
    return absl::FailedPreconditionError("redirects again and again");
  }

  absl::Status Redirect(const std::string& location) {
    ASSIGN_OR_RETURN(HttpUrl next, ResolveHttpUrl(options_.url, location));
    if (!next.SameOrigin(options_.url)) {
      return absl::FailedPreconditionError(
          absl::StrCat("redirects to ", Quoted(next.ToString()),
                       ", another server; write that URL if it is the right one"));
    }
    options_.url = std::move(next);
    return absl::OkStatus();
  }

  absl::Status Refused(HttpExchange& answer) {
    const int status = answer.head().status;
    if (status >= 300 && status < 400) {
      return absl::FailedPreconditionError(
          absl::StrCat("answered ", status, " and leads to ", Quoted(answer.head().location),
                       "; write the URL that takes POST requests"));
    }
    std::string text;
    while (static_cast<int64_t>(text.size()) < kMaxErrorBody) {
      const absl::StatusOr<std::string> piece = answer.Read();
      if (!piece.ok() || piece->empty()) break;
      text += *piece;
    }
    const std::string message =
        absl::StrCat("answered ", status, text.empty() ? "" : absl::StrCat(": ", Abbreviated(text)),
                     HintOf(status));
    // The server's own trouble, and limits, may pass.
    const bool passing = status >= 500 || status == 429 || status == 408;
    return passing ? absl::UnavailableError(message) : absl::FailedPreconditionError(message);
  }

  absl::Status KeepSession(const std::string& id) {
    if (id.empty()) return absl::OkStatus();
    const bool visible =
        std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!visible || id.size() > kMaxSessionId) {
      return absl::FailedPreconditionError("sent a session id that is not visible ASCII");
    }
    session_id_ = id;
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ReadAll(HttpExchange& answer) {
    std::string body;
    while (true) {
      ASSIGN_OR_RETURN(const std::string piece, answer.Read());
      if (piece.empty()) return body;
      RETURN_IF_ERROR(Count(piece.size()));
      body += piece;
    }
  }

  absl::Status Count(size_t bytes) {
    received_ += static_cast<int64_t>(bytes);
    const int64_t max = options_.limits.max_bytes;
    return received_ > max ? TooMuch(max) : absl::OkStatus();
  }

  HttpChannelOptions options_;
  std::vector<std::string> addresses_;  // pinned at the first request
  std::string session_id_, version_;
  std::unique_ptr<HttpExchange> stream_;  // the answer to the last request, while it goes on
  SseParser events_;
  std::deque<std::string> texts_;
  int64_t received_ = 0;
};

}  // namespace

std::unique_ptr<Channel> NewHttpChannel(HttpChannelOptions options) {
  return std::make_unique<HttpChannel>(std::move(options));
}

}  // namespace routines
