#include "src/cli/grammar.h"
#include "src/cli/checks.h"

namespace routines::cli {

void CommandLine::AddTestCommands() {
  CLI::App* command = nullptr;
  auto* test =
      AddCommand<TestOptions>(&app_, "test", "Run the cases of *.test.yaml files", Test, &command);
  command
      ->add_option("path", test->paths,
                   "Test files, or folders with test files in them or below them")
      ->type_name(kFile)
      ->check(CheckNotEmpty)
      ->required();
  command->add_option("--format", test->format, "human, tap (TAP 14) or junit (XML)")
      ->type_name("human|tap|junit")
      ->check(OneOf("human|tap|junit"))
      ->capture_default_str();
  command->add_option("--limits", test->limits, "File of the host's limits, as serve takes it")
      ->type_name(kFile);
  command->add_option("--limit", test->limit, "One limit; wins over the file; may be repeated")
      ->type_name("NAME=VALUE");
  AddJson(command, &test->json);
}

}  // namespace routines::cli
