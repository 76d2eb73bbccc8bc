// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"
#include "tools/api/trouble.h"
#include "tools/cli/app.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>

namespace weft::tools {
namespace {

/// The whole command in this process, on a state directory of its own and no daemon.
class Command : public ::testing::Test {
 protected:
  struct Outcome {
    int status;
    std::string out;
    std::string err;
  };

  Outcome weft(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--state", (directory_ / "state").string()});
    return bare(std::move(arguments));
  }
  Outcome bare(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err};
    const int status = run_command(std::move(arguments), terminal, [this](const char* name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
    return {status, out.str(), err.str()};
  }
  std::string raw_file() {
    const auto path = directory_ / "disk.raw";
    test::write_raw(path, "ab..0a");
    return path.string();
  }

  test::TempDirectory directory_;
  std::map<std::string, std::string> environment_;
};

TEST_F(Command, imports_lists_shows_and_removes_without_a_daemon) {
  const auto imported = weft({"import", raw_file(), "--name", "web"});
  EXPECT_EQ(imported.status, 0) << imported.err;
  EXPECT_EQ(imported.err, "") << "no progress in a pipe";
  EXPECT_TRUE(imported.out.starts_with("web  "));
  const auto images = boost::json::parse(weft({"images", "--json"}).out);
  EXPECT_EQ(images.at("images").at(0).at("name"), "web");
  EXPECT_TRUE(weft({"show", "web"}).out.contains("local     100.0%, complete"));
  EXPECT_EQ(weft({"rm", "web"}).status, 0);
  EXPECT_EQ(weft({"images"}).out, "no images: `weft import FILE` makes one\n");
}

TEST_F(Command, name_defaults_to_the_file) {
  ASSERT_EQ(weft({"import", raw_file()}).status, 0);
  EXPECT_EQ(weft({"show", "disk"}).status, 0);
}

TEST_F(Command, trouble_is_one_line_with_its_exit_code) {
  ASSERT_EQ(weft({"import", raw_file(), "--name", "web"}).status, 0);
  test::write_raw(directory_ / "other.raw", "xyz");
  std::ofstream(directory_ / "bad.toml") << "workers = 1\nwrokers = 2\n";
  const auto other = (directory_ / "other.raw").string();
  const auto bad_file = (directory_ / "bad.toml").string();
  const struct {
    std::vector<std::string> arguments;
    ExitCode exit;
    const char* says;
  } rows[] = {
      {{}, ExitCode::usage, "usage"},
      {{"frobnicate"}, ExitCode::usage, "there is no verb \"frobnicate\""},
      {{"images", "--frobnicate"}, ExitCode::usage, "--frobnicate"},
      {{"import"}, ExitCode::usage, "FILE"},
      {{"import", other, "--copy", "--in-place"}, ExitCode::usage, "usage"},
      {{"import", other, "--name", "web"}, ExitCode::exists, "name is taken"},
      {{"import", other, "--name", "a/b"}, ExitCode::usage, "not a valid image name"},
      {{"show", "nope"}, ExitCode::not_found, "unknown image"},
      {{"rm", "nope"}, ExitCode::not_found, "unknown image"},
      {{"import", "/nope"}, ExitCode::not_found, "/nope"},
      {{"import", "/", "--name", "x"}, ExitCode::bad_input, "directory"},
      {{"images", "--config", bad_file}, ExitCode::bad_config, "bad.toml:2: unknown key"},
      {{"images", "--config", "/nope.toml"}, ExitCode::bad_config, "/nope.toml"},
      {{"images", "--workers", "many"}, ExitCode::bad_config, "--workers"},
      {{"daemon", "--listen", "0.0.0.0"}, ExitCode::bad_config, "--insecure"},
      {{"status"}, ExitCode::unreachable, "weft daemon"},
      {{"umount", "/"}, ExitCode::not_found, "not mounted"},
      {{"peers", "add", "10.9.9.9"}, ExitCode::not_permitted, "--insecure"},
      {{"peers", "rm", "127.0.0.1"}, ExitCode::not_found, "not a peer"},
      {{"materialize", "nope"}, ExitCode::not_found, "no peers to ask"},
      {{"profile", "show", "nope"}, ExitCode::not_found, "unknown image"},
      {{"profile", "show", "web"}, ExitCode::not_found, "boot it from a mount"},
      {{"profile", "drop", "web"}, ExitCode::not_found, "boot profile of web"},
      {{"profile", "import", other}, ExitCode::bad_input, "weft profile export"},
      {{"profile", "import", "/nope"}, ExitCode::not_found, "/nope"},
      {{"profile", "record", "/mnt"}, ExitCode::usage, "--for"},
      {{"profile", "record", "/mnt", "pause"}, ExitCode::usage, "start"},
      {{"profile", "record", "/mnt", "start"}, ExitCode::unreachable, "weft daemon"},
  };
  for (const auto& row : rows) {
    const auto outcome = weft(row.arguments);
    const auto shown = fmt::format("{}", fmt::join(row.arguments, " "));
    EXPECT_EQ(outcome.status, static_cast<int>(row.exit)) << shown << ": " << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("weft: ")) << shown << ": " << outcome.err;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << shown << ": " << outcome.err;
    EXPECT_TRUE(outcome.err.contains(row.says)) << shown << ": " << outcome.err;
    EXPECT_EQ(outcome.out, "") << shown;
  }
}

TEST_F(Command, environment_reaches_the_settings) {
  environment_["WEFT_STATE"] = (directory_ / "elsewhere").string();
  EXPECT_EQ(bare({"images"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "elsewhere"));
  environment_["WEFT_READ_HOLD"] = "600";
  const auto refused = bare({"images"});
  EXPECT_EQ(refused.status, static_cast<int>(ExitCode::bad_config));
  EXPECT_TRUE(refused.err.contains("WEFT_READ_HOLD")) << refused.err;
}

TEST_F(Command, every_verb_explains_itself_with_an_example) {
  const auto help = bare({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* verb : {"daemon", "import", "images", "show", "rm", "peers", "mount", "umount",
                           "switch", "materialize", "detach", "profile", "status", "version"}) {
    EXPECT_TRUE(help.out.contains(verb)) << verb;
    const auto own = bare({verb, "--help"});
    EXPECT_EQ(own.status, 0) << verb;
    EXPECT_TRUE(own.out.contains("Example:\n  weft " + std::string(verb))) << own.out;
    EXPECT_TRUE(own.out.contains("weft --help")) << "where the settings are told";
  }
  EXPECT_FALSE(help.out.contains("worker ")) << "started by the supervisor only";
}

TEST_F(Command, exit_codes_of_help_and_readme_are_those_of_the_program) {
  const auto help = bare({"--help"}).out;
  std::ostringstream readme;
  readme << std::ifstream(WEFT_SOURCE_DIR "/tools/README.md").rdbuf();
  for (const auto& [code, meaning] : exit_meanings()) {
    EXPECT_TRUE(help.contains(fmt::format("{:>2}  {}\n", static_cast<int>(code), meaning)));
    EXPECT_TRUE(
        readme.str().contains(fmt::format("| {} | {} |\n", static_cast<int>(code), meaning)))
        << static_cast<int>(code);
  }
}

TEST_F(Command, version_is_json_when_asked) {
  const auto version = boost::json::parse(weft({"version", "--json"}).out);
  EXPECT_EQ(version.at("api"), 1);
  EXPECT_TRUE(version.at("daemon").is_null());
}

}  // namespace
}  // namespace weft::tools
