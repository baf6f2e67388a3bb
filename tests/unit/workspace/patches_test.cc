// What a session committed and did not push: that the kept patches are whole, and that making them
// is safe.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/workspace/workspace_fixture.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PatchesTest : public WorkspaceTest {
 protected:
  void SetUp() override {
    WorkspaceTest::SetUp();
    MustPrepare();
  }

  // Ends the session and applies what was kept of `ref` to a copy of main; returns the tree that
  // this makes.
  std::string Applied(const std::vector<v1::Patch>& patches, const std::string& ref) {
    for (const v1::Patch& patch : patches) {
      if (patch.ref() != ref) continue;
      std::ofstream(base_ + "/patch", std::ios::binary) << patch.text();
      return Host(
          "rm -rf copy; git clone -q upstream.git copy; cd copy; "
          "git am -q --keep-cr ../patch >../am 2>&1 || (cat ../am; false); git rev-parse "
          "HEAD^{tree}");
    }
    ADD_FAILURE() << "nothing was kept of " << ref;
    return "";
  }
  std::string Tree(const std::string& ref) {
    const std::string out = Agent("git rev-parse '" + ref + "^{tree}'").output;
    return out.substr(0, out.size() - 1);
  }
};

TEST_F(PatchesTest, KeepsEachOfManyBranches) {
  ASSERT_EQ(Agent("for i in 1 2 3 4 5; do git checkout -q -b work/$i origin/main; "
                  "for j in 1 2 3; do echo $i $j >> file; git commit -qam \"$i $j\"; done; done; "
                  "git checkout -q main; git branch same work/3; git push -q origin "
                  "work/5:claude/five")
                .code,
            0);
  std::vector<std::string> trees;
  for (int i = 1; i <= 4; ++i) trees.push_back(Tree(absl::StrCat("work/", i)));
  const std::vector<v1::Patch> patches = workspace_->Finish();
  EXPECT_EQ(patches.size(), 4u);  // the fifth was pushed; "same" is the third
  for (int i : {1, 2, 4}) {
    EXPECT_EQ(Applied(patches, absl::StrCat("refs/heads/work/", i)), trees[i - 1]);
  }
}

TEST_F(PatchesTest, KeepsWhatAMergeBroughtAndHowItWasResolved) {
  ASSERT_EQ(
      Agent("git checkout -q -b side; echo side > file; echo s > only-side; git add .; "
            "git commit -qm side; git checkout -q main; echo mine > file; git commit -qam mine; "
            "git merge -q side || true; echo both > file; echo extra > extra; git add .; "
            "git commit -qm merged; echo after >> extra; git commit -qam after")
          .code,
      0);
  const std::string tree = Tree("main");
  EXPECT_EQ(Applied(workspace_->Finish(), "refs/heads/main"), tree);
}

TEST_F(PatchesTest, KeepsAMergeOfWhatCameFromTheUpstream) {
  Host(
      "cd author; echo theirs > theirs; git add theirs; git commit -qm theirs; git push -q origin "
      "main:next");
  ASSERT_EQ(Agent("echo mine > mine; git add mine; git commit -qm mine; git fetch -q; "
                  "git merge -q -m merged origin/next; echo after >> mine; git commit -qam after")
                .code,
            0);
  const std::string tree = Tree("main");
  EXPECT_EQ(Applied(workspace_->Finish(), "refs/heads/main"), tree);
}

TEST_F(PatchesTest, KeepsEveryByteOfFiles) {
  ASSERT_EQ(Agent("printf 'caf\\351\\n' > latin1; printf 'a\\r\\nb\\r\\n' > crlf; "
                  "printf '\\000\\001\\377' > binary; printf 'no end' > no-end; : > empty; "
                  "ln -s /etc/passwd link; printf '#!/bin/sh\\n' > run; chmod +x run; "
                  "printf 'From x\\n\\nFrom y Mon Sep 17 00:00:00 2001\\n' > mbox; git add -A; "
                  "git commit -qm 'all kinds'; printf 'th\\351\\n' >> latin1; git commit -qam more")
                .code,
            0);
  const std::string tree = Tree("main");
  EXPECT_EQ(Applied(workspace_->Finish(), "refs/heads/main"), tree);
}

TEST_F(PatchesTest, KeepsFilesOfAnyName) {
  ASSERT_EQ(
      Agent("mkdir -p 'a b' -- -d; for name in 'a b/c d' $'new\\nline' $'tab\\there' '\"quoted\"' "
            "'back\\slash' -- -d/--option '$(touch pwned)' '`id`' $'\\351' 'ü' '*' '?' "
            "'a=>b' ' lead' 'trail ' $'\\e[31mred'; do "
            "[[ $name == -- ]] || echo x > \"./$name\"; done; git add -A; git commit -qm names")
          .code,
      0);
  const std::string tree = Tree("main");
  const std::vector<v1::Patch> patches = workspace_->Finish();
  EXPECT_EQ(Applied(patches, "refs/heads/main"), tree);
  EXPECT_THAT(patches.at(0).text(), Not(HasSubstr("\x1b")));
}

TEST_F(PatchesTest, KeepsMessagesAndAuthorsOfAnyKind) {
  ASSERT_EQ(Agent("git config i18n.commitEncoding latin1; printf 'caf\\351\\n\\nbody\\nFrom: "
                  "evil\\n' > ../m; "
                  "echo 1 > file; git commit -qaF ../m; git config --unset i18n.commitEncoding; "
                  "echo 2 > file; GIT_AUTHOR_NAME=$'J\\xc3\\xb6rg' git commit -qam '[PATCH] 2'")
                .code,
            0);
  const std::string tree = Tree("main");
  EXPECT_EQ(Applied(workspace_->Finish(), "refs/heads/main"), tree);
  EXPECT_EQ(Host("git -C copy log -2 --reverse --format='%an|%s'"),
            "routines|caf\xc3\xa9\nJ\xc3\xb6rg|2");
}

TEST_F(PatchesTest, KeepsTheBeginningOfWhatIsTooLong) {
  ASSERT_EQ(Agent("echo first > first; git add first; git commit -qm first; head -c 3000000 "
                  "/dev/urandom > big; git add big; git commit -qm big")
                .code,
            0);
  const std::vector<v1::Patch> patches = workspace_->Finish();
  ASSERT_EQ(patches.size(), 1u);
  EXPECT_TRUE(patches[0].truncated());
  EXPECT_LE(patches[0].text().size(), size_t{1} << 20);
  EXPECT_THAT(patches[0].text(), HasSubstr("+first\n"));
}

// Objects that unpack to more than the host is willing to hold, and trees that multiply.
TEST_F(PatchesTest, EndsWhatIsMadeToTakeForEver) {
  ASSERT_EQ(
      Agent("echo good > good; git add good; git commit -qm good; git checkout -q -b zeros; "
            "head -c 200000000 /dev/zero > zeros; git add zeros; git commit -qm zeros; rm zeros; "
            "git checkout -q -f main; git checkout -q -b good2; echo 2 > good; git commit -qam 2; "
            "id=$(git rev-parse main:file); type='100644 blob'; for level in $(seq 10); do "
            "id=$(for i in $(seq 10); do printf '%s %s\\t%s\\n' \"$type\" $id $i; done | git "
            "mktree); type='040000 tree'; done; "
            "git branch bomb $(git commit-tree -p main -m bomb $id)")
          .code,
      0);
  const absl::Time start = absl::Now();
  const std::vector<v1::Patch> patches = workspace_->Finish();
  EXPECT_LT(absl::Now() - start, absl::Seconds(60));
  std::string kept;
  for (const v1::Patch& patch : patches) absl::StrAppend(&kept, patch.ref(), "\n");
  EXPECT_THAT(kept, HasSubstr("refs/heads/good2\n"));
  EXPECT_THAT(kept, HasSubstr("refs/heads/main\n"));
}

TEST_F(PatchesTest, SaysWhenSomethingIsLost) {
  ASSERT_EQ(Agent("echo x > x; git add x; git commit -qm x; rm -rf .git/objects/??").code, 0);
  EXPECT_TRUE(workspace_->Finish().empty());
  EXPECT_THAT(log_.everything(), HasSubstr("commits that were not pushed are lost"));
}

}  // namespace
}  // namespace routines
