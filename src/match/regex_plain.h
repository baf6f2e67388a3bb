// Whether a text is plainly a regular expression that conditions may have, so that it need not be
// compiled to be sure of that: compiling takes ten microseconds and some kilobytes, and most
// expressions of a large set are never run.
#ifndef ROUTINES_SRC_MATCH_REGEX_PLAIN_H_
#define ROUTINES_SRC_MATCH_REGEX_PLAIN_H_

#include <string_view>

namespace routines {

// True only where RE2 takes `pattern` and its program is within kMaxRegexProgram, with case ignored
// or not. False says nothing: the scan knows ASCII characters, `.`, simple classes, groups without
// flags, `|`, `^`, `$`, single-letter escapes and repetitions up to 50, and adds up generously.
bool IsPlainRegex(std::string_view pattern);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_REGEX_PLAIN_H_
