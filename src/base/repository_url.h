// The little that everybody must read in the same way out of a repository's URL.
#ifndef ROUTINES_SRC_BASE_REPOSITORY_URL_H_
#define ROUTINES_SRC_BASE_REPOSITORY_URL_H_

#include <string>
#include <string_view>

#include "routines/v1/routine.pb.h"

namespace routines {

// The folder of the clone: the repository's name, or else the last part of its URL without ".git".
// May be empty or not fit for a folder: see IsDirectoryName.
std::string RepositoryDirectory(const v1::Repository& repository);

// One path component of 1 to 100 of [A-Za-z0-9._-] that neither begins with "." or "-" nor ends
// with
// ".git" or ".lock".
bool IsDirectoryName(std::string_view name);

// The URL without user name and password, as it may be shown. That of an scp-like URL
// ("git@host:path") is no secret and stays.
std::string UrlWithoutCredentials(std::string_view url);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_REPOSITORY_URL_H_
