#include "src/server/request_head.h"

#include <algorithm>
#include <array>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace routines::server {
namespace {

constexpr int kMaxHeaders = 100;

// Where two of them would leave open which one counts.
constexpr std::array<std::string_view, 8> kSingle = {
    "authorization", "content-encoding", "content-length",   "content-type", "expect",
    "host",          "idempotency-key",  "transfer-encoding"};

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

std::string ProblemOfRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
  if (second == line.npos || !IsToken(line.substr(0, first))) {
    return "request line: must be `METHOD target HTTP/1.1`";
  }
  const std::string_view target = line.substr(first + 1, second - first - 1);
  if (target.empty() ||
      !std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return "request target: must be printable ASCII without spaces";
  }
  const std::string_view version = line.substr(second + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return "request line: the version must be HTTP/1.1 or HTTP/1.0";
  }
  return "";
}

std::string ProblemOfHeader(std::string_view name, std::string_view value) {
  for (const char c : value) {
    if (absl::ascii_iscntrl(c) && c != '\t')
      return "header value: must not hold control characters";
  }
  if (name == "content-length") {
    const bool digits = !value.empty() && value.size() <= 18 &&
                        std::all_of(value.begin(), value.end(), absl::ascii_isdigit);
    if (!digits) return "content-length: must be a number";
  }
  if (name == "transfer-encoding" &&
      absl::AsciiStrToLower(absl::string_view(value.data(), value.size())) != "chunked") {
    return "transfer-encoding: only `chunked` is understood";
  }
  return "";
}

std::string ProblemOfFraming(const std::map<std::string, int>& single, bool http_1_0) {
  for (const auto& [name, count] : single) {
    if (count > 1) return absl::StrCat(name, ": must not be given twice");
  }
  const bool chunked = single.contains("transfer-encoding");
  if (chunked && (single.contains("content-length") || http_1_0)) {
    return "transfer-encoding: not beside content-length, and not in HTTP/1.0";
  }
  if (!http_1_0 && !single.contains("host")) return "host: is missing";
  return "";
}

}  // namespace

std::string ProblemOfHead(std::string_view head) {
  std::map<std::string, int> single;
  int lines = 0;
  bool http_1_0 = false;
  while (true) {
    const size_t end = head.find("\r\n");
    if (end == head.npos) return "request head: must end with an empty line";
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty()) return ProblemOfFraming(single, http_1_0);
    if (++lines > kMaxHeaders + 1) return absl::StrCat("more than ", kMaxHeaders, " headers");
    if (lines == 1) {
      if (std::string problem = ProblemOfRequestLine(line); !problem.empty()) return problem;
      http_1_0 = line.ends_with("1.0");
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos || !IsToken(line.substr(0, colon))) {
      return "header: must be `name: value` on one line, without space before the colon";
    }
    const std::string name = absl::AsciiStrToLower(absl::string_view(line.data(), colon));
    const absl::string_view value = absl::StripAsciiWhitespace(
        absl::string_view(line.data() + colon + 1, line.size() - colon - 1));
    std::string problem = ProblemOfHeader(name, {value.data(), value.size()});
    if (!problem.empty()) return problem;
    if (std::find(kSingle.begin(), kSingle.end(), name) != kSingle.end()) ++single[name];
  }
}

size_t FindBareLineFeed(std::string_view bytes, size_t from) {
  for (size_t at = bytes.find('\n', from); at != bytes.npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return at;
  }
  return bytes.npos;
}

}  // namespace routines::server
