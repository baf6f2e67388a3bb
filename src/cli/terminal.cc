#include "src/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "src/base/utf8.h"

namespace routines::cli {
namespace {

// The scalar value that begins at `text[*at]`, which is valid UTF-8; moves *at past it.
char32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto lead = static_cast<unsigned char>(text[(*at)++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t value = lead & (0x3F >> more);
  for (int i = 0; i < more; ++i) value = value << 6 | (text[(*at)++] & 0x3F);
  return value;
}

bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) ||  // C0, DEL, C1
         (c >= 0x200B && c <= 0x200F) ||         // zero-width, directional marks
         (c >= 0x2028 && c <= 0x202E) ||         // line separators, bidi embeddings and overrides
         (c >= 0x2060 && c <= 0x2069) ||         // invisible operators, bidi isolates
         c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);  // byte order mark, tag characters
}

std::string EscapeCodePoint(char32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  if (c == '\r') return "\\r";
  if (c < 0x100) return absl::StrFormat("\\x%02x", static_cast<unsigned>(c));
  return absl::StrFormat("\\u{%x}", static_cast<unsigned>(c));
}

size_t Width(std::string_view text) {
  return CountCodePoints(text).value_or(text.size());
}

absl::Time ParseTime(std::string_view rfc3339) {
  absl::Time time;
  const absl::string_view text(rfc3339.data(), rfc3339.size());
  return absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ? time : absl::InfinitePast();
}

std::string FormatLocal(std::string_view rfc3339, const char* format) {
  const absl::Time time = ParseTime(rfc3339);
  if (time == absl::InfinitePast()) return EscapeControls(rfc3339);
  return absl::FormatTime(format, time, absl::LocalTimeZone());
}

}  // namespace

std::string EscapeControls(std::string_view text, bool keep_lines) {
  const std::string valid = RepairUtf8(text);
  std::string out;
  for (size_t at = 0; at < valid.size();) {
    const size_t start = at;
    const char32_t c = NextCodePoint(valid, &at);
    const bool kept = !IsControl(c) || (keep_lines && (c == '\n' || c == '\t'));
    if (kept) {
      out.append(valid, start, at - start);
    } else {
      out += EscapeCodePoint(c);
    }
  }
  return out;
}

bool MayColour(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return isatty(fd) != 0;
}

std::string Paint(std::string_view text, Colour colour) {
  static const bool may = MayColour(STDOUT_FILENO);
  if (!may || colour == Colour::kNone || text.empty()) return std::string(text);
  static constexpr const char* kCodes[] = {"", "31", "32", "33", "34", "2", "1"};
  return absl::StrCat("\x1b[", kCodes[static_cast<int>(colour)], "m", std::string(text), "\x1b[0m");
}

Colour StateColour(std::string_view state) {
  if (state == "succeeded" || state == "active") return Colour::kGreen;
  if (state == "failed" || state == "lost" || state == "timed_out") return Colour::kRed;
  if (state == "running" || state == "preparing") return Colour::kBlue;
  if (state == "queued" || state == "paused" || state == "cancelled") return Colour::kYellow;
  return Colour::kNone;
}

std::string FormatTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows, int state_column) {
  std::vector<std::vector<std::string>> cells = {header};
  std::vector<size_t> widths(header.size(), 0);
  for (const auto& row : rows) {
    cells.emplace_back();
    for (const std::string& cell : row) cells.back().push_back(EscapeControls(cell));
  }
  for (const auto& row : cells) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (size_t r = 0; r < cells.size(); ++r) {
    for (size_t i = 0; i < cells[r].size(); ++i) {
      const std::string& cell = cells[r][i];
      const bool is_state = static_cast<int>(i) == state_column;
      absl::StrAppend(&out, Paint(cell, r == 0     ? Colour::kBold
                                        : is_state ? StateColour(cell)
                                                   : Colour::kNone));
      const bool last = i + 1 == cells[r].size();
      if (!last) out.append(widths[i] - Width(cell) + 2, ' ');
    }
    while (out.ends_with(' ')) out.pop_back();  // an empty last cell leaves the padding before it
    out += '\n';
  }
  return out;
}

std::string FormatFields(const std::vector<std::pair<std::string, std::string>>& fields) {
  size_t width = 0;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) width = std::max(width, name.size());
  }
  std::string out;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    absl::StrAppend(&out, Paint(name + ":", Colour::kBold),
                    std::string(width - name.size() + 2, ' '), value, "\n");
  }
  return out;
}

std::string LocalTime(std::string_view rfc3339) {
  return FormatLocal(rfc3339, "%Y-%m-%d %H:%M:%S");
}

std::string UtcTime(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string LocalClock(std::string_view rfc3339) {
  return FormatLocal(rfc3339, "%H:%M:%S");
}

std::string Elapsed(std::string_view start, std::string_view end) {
  if (start.empty()) return "";
  const absl::Time until = end.empty() ? absl::Now() : ParseTime(end);
  absl::Duration elapsed = std::max(until - ParseTime(start), absl::ZeroDuration());
  elapsed = absl::Trunc(elapsed,
                        elapsed < absl::Seconds(10) ? absl::Milliseconds(100) : absl::Seconds(1));
  return absl::FormatDuration(elapsed);
}

ProgressLine::ProgressLine(bool json) : enabled_(!json && isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::Show(std::string_view text) {
  if (!enabled_) return;
  std::fprintf(stderr, "\r\x1b[K%s", EscapeControls(text).c_str());
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace routines::cli
