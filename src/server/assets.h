// The files of web/, embedded at build time (embed_assets.cmake writes the table).
#ifndef ROUTINES_SRC_SERVER_ASSETS_H_
#define ROUTINES_SRC_SERVER_ASSETS_H_

#include <string_view>

namespace routines::server {

// The file's text; empty where there is none of that name.
std::string_view FindAsset(std::string_view name);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_ASSETS_H_
