// Untrusted text in a page: escaped, and with nothing in it that a reader cannot see.
#ifndef ROUTINES_SRC_SERVER_HTML_TEXT_H_
#define ROUTINES_SRC_SERVER_HTML_TEXT_H_

#include <string>
#include <string_view>

namespace routines::server {

// Terminal escape sequences are left out. Control characters become their pictures (U+2400…);
// bidirectional controls, zero-width, tag and other invisible characters become ⟨U+202E⟩. Line
// feeds and tabs stay. The result may stand in an element or in a quoted attribute. web/session.js,
// visible() does the same to what comes later.
std::string HtmlText(std::string_view text);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_HTML_TEXT_H_
