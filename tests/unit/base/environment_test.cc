#include "src/base/environment.h"

#include <gtest/gtest.h>

#include "src/base/repository_url.h"

namespace routines {
namespace {

TEST(IsReservedVariable, RefusesWhatChangesTheCodeThatRuns) {
  for (const char* name :
       {"LD_PRELOAD", "LD_AUDIT", "GIT_CONFIG_GLOBAL", "GIT_SSH_COMMAND", "PATH", "HOME",
        "NODE_OPTIONS", "BASH_ENV", "ENV", "IFS", "PYTHONPATH", "ANTHROPIC_BASE_URL",
        "BASH_FUNC_ls%%", "PERL5OPT", "ROUTINES_PROMPT_FILE", "TMPDIR"}) {
    EXPECT_TRUE(IsReservedVariable(name)) << name;
  }
}

TEST(IsReservedVariable, LeavesOthersAlone) {
  for (const char* name : {"LOG_LEVEL", "SLACK_TOKEN", "ANTHROPIC_API_KEY", "GITHUB_TOKEN",
                           "HOMEPAGE", "LANG", "path", "ENVIRONMENT", "HTTPS_PROXY"}) {
    EXPECT_FALSE(IsReservedVariable(name)) << name;
  }
}

std::string Directory(const std::string& url, const std::string& name = "") {
  v1::Repository repository;
  repository.set_url(url);
  repository.set_name(name);
  return RepositoryDirectory(repository);
}

TEST(RepositoryDirectory, IsTheLastPartOfTheUrl) {
  EXPECT_EQ(Directory("https://github.com/acme/api.git"), "api");
  EXPECT_EQ(Directory("https://github.com/acme/api/"), "api");
  EXPECT_EQ(Directory("git@github.com:acme/api.git"), "api");
  EXPECT_EQ(Directory("host:api"), "api");
  EXPECT_EQ(Directory("file:///srv/api/.git"), "api");
  EXPECT_EQ(Directory("https://github.com/acme/api.git", "other"), "other");
}

TEST(IsDirectoryName, RefusesWhatCouldLeaveTheFolder) {
  EXPECT_TRUE(IsDirectoryName("api-2_x.y"));
  for (const char* name :
       {"", ".", "..", ".git", "-a", "a/b", "a b", "a.git", "a\n", "a.lock", "\xc3\xa4"}) {
    EXPECT_FALSE(IsDirectoryName(name)) << name;
  }
  EXPECT_FALSE(IsDirectoryName(std::string(101, 'a')));
}

TEST(UrlWithoutCredentials, DropsUserAndPassword) {
  EXPECT_EQ(UrlWithoutCredentials("https://u:p@h/a@b"), "https://h/a@b");
  EXPECT_EQ(UrlWithoutCredentials("https://u:p@x@h:1/a"), "https://h:1/a");
  EXPECT_EQ(UrlWithoutCredentials("https://h/a"), "https://h/a");
  EXPECT_EQ(UrlWithoutCredentials("git@h:a"), "git@h:a");
  EXPECT_EQ(UrlWithoutCredentials("file:///a@b"), "file:///a@b");
}

}  // namespace
}  // namespace routines
