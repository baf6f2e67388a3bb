// How the command line writes for people: tables, colours, times, a progress line.
#ifndef ROUTINES_SRC_CLI_TERMINAL_H_
#define ROUTINES_SRC_CLI_TERMINAL_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace routines::cli {

// Makes text that others wrote safe to show: control characters, terminal escapes and the
// characters that reorder a line (bidi controls) become \n, \x1b or \u{202e}; a broken byte becomes
// U+FFFD. `keep_lines` leaves newlines and tabs as they are.
std::string EscapeControls(std::string_view text, bool keep_lines = false);

enum class Colour { kNone, kRed, kGreen, kYellow, kBlue, kDim, kBold };

// True for a terminal, unless NO_COLOR is set or TERM is dumb.
bool MayColour(int fd);

// `text` in `colour` where standard output may be coloured, else as it is.
std::string Paint(std::string_view text, Colour colour);

// The colour of a session state's or routine state's word.
Colour StateColour(std::string_view state);

// Rows under a header line, columns aligned with two blanks between them. Cells are escaped; the
// column `state_column` is coloured (-1: none).
std::string FormatTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows, int state_column = -1);

// "name:  value" lines, aligned; pairs without a value are left out.
std::string FormatFields(const std::vector<std::pair<std::string, std::string>>& fields);

// An RFC 3339 time as the server writes it, in local time: "2026-11-23 21:15:27". "" for "".
std::string LocalTime(std::string_view rfc3339);
// RFC 3339 in UTC, to the second: "2026-11-23T20:15:27Z".
std::string UtcTime(absl::Time time);
// Only "21:15:27".
std::string LocalClock(std::string_view rfc3339);
// From one such time to another (to now where `end` is empty): "1h2m3s"; "" where `start` is empty.
std::string Elapsed(std::string_view start, std::string_view end);

// One line on standard error that overwrites itself, while something takes long; nothing where
// standard error is no terminal or `json` is asked for.
class ProgressLine {
 public:
  explicit ProgressLine(bool json);
  ~ProgressLine();  // wipes the line
  void Show(std::string_view text);

 private:
  const bool enabled_;
  bool shown_ = false;
};

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_TERMINAL_H_
