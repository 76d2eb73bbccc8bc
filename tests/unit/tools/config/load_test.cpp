// SPDX-License-Identifier: Apache-2.0
#include "tools/config/load.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile() {
    std::string pattern = ::testing::TempDir() + "weft-config-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    sources_.file = directory_ / "weft.toml";
    sources_.environment = [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    };
  }
  ~ConfigFile() override { std::filesystem::remove_all(directory_); }

  Result<LoadedConfig> load(std::string_view toml) {
    std::ofstream(*sources_.file) << toml;
    return load_config(sources_);
  }

  std::filesystem::path directory_;
  ConfigTexts environment_;
  ConfigSources sources_;
};

TEST_F(ConfigFile, sets_every_key) {
  const auto loaded = load(R"(
state = "/srv/weft"
listen = "127.0.0.1:7000"
metrics = "127.0.0.1:9440"
peers = ["a:1", "b"]
node_name = "rack 3"
free_space_floor = "2GiB"
workers = 3
read_policy = "eio"
read_hold = "90s"
log_level = "debug"
log_file = "/tmp/w.log"
insecure = true
peer_prices = ["a:1=2.5"]
exchange_budget = "64KiB"
peer_sites = ["a:1=paris", "b=lyon"]
site = "berlin"
site_uplinks = ["paris=100Mbit"]
ingress = "1Gbit"
prefetch = "all"
passthrough = "off"
)");
  ASSERT_TRUE(loaded) << loaded.error().message();
  const Config& c = loaded->config;
  EXPECT_EQ(c.state, "/srv/weft");
  EXPECT_EQ(c.listen, (fetcher::Address{"127.0.0.1", 7000}));
  EXPECT_EQ(c.metrics, (fetcher::Address{"127.0.0.1", 9440}));
  EXPECT_EQ(c.peers, (std::vector<fetcher::Address>{{"a", 1}, {"b", fetcher::default_port}}));
  EXPECT_EQ(c.node_name, "rack 3");
  EXPECT_EQ(c.free_space_floor, ByteCount(2ull << 30));
  EXPECT_EQ(c.workers, 3u);
  EXPECT_EQ(c.read_policy.when_missing, fs::WhenMissing::eio);
  EXPECT_EQ(c.read_policy.deadline, 90s);
  EXPECT_EQ(c.log_level, LogLevel::debug);
  EXPECT_EQ(c.prefetch, Prefetch::all);
  EXPECT_EQ(c.passthrough, fs::PassthroughPolicy::off);
  EXPECT_EQ(c.log_file, "/tmp/w.log");
  EXPECT_TRUE(c.insecure);
  EXPECT_EQ(c.peer_prices.at("a:1"), 2.5);
  EXPECT_EQ(c.exchange_budget, ByteCount(64u << 10));
  EXPECT_EQ(c.peer_sites.at("a:1"), "paris");
  EXPECT_EQ(c.peer_sites.size(), 2u);
  EXPECT_EQ(c.site, "berlin");
  EXPECT_EQ(c.site_uplinks.at("paris"), 12.5e6);
  EXPECT_EQ(c.ingress, 125e6);
  EXPECT_EQ(loaded->origins.size(), config_keys().size()) << "a key without a line in this test";
}

TEST_F(ConfigFile, flag_beats_environment_beats_file) {
  environment_ = {{"WEFT_WORKERS", "5"}, {"WEFT_NODE_NAME", "from-environment"}};
  sources_.flags = {{"workers", "7"}};
  const auto loaded = load("workers = 3\nnode_name = \"from-file\"\nlog_level = \"warn\"\n");
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->config.workers, 7u);
  EXPECT_EQ(loaded->config.node_name, "from-environment");
  EXPECT_EQ(loaded->config.log_level, LogLevel::warn);
  EXPECT_EQ(loaded->origins.at("workers"), "--workers");
  EXPECT_EQ(loaded->origins.at("log_level"), sources_.file->string() + ":3");
}

TEST_F(ConfigFile, errors_name_file_and_line) {
  const struct {
    const char* toml;
    const char* expected;
  } rows[] = {
      {"workers = 1\nworkerz = 2\n", "weft.toml:2: unknown key \"workerz\""},
      {"\n\nfree_space_floor = \"lots\"\n",
       "weft.toml:3: free_space_floor: \"lots\" is not a size"},
      {"state = \n", "weft.toml:1"},
      {"[table]\nx = 1\n", "unknown key \"table\""},
      {"peers = [1]\n", "weft.toml:1: peers: expected HOST:PORT"},
      {"read_hold = 600\n", "write it with a unit"},
      {"workers = 1\nworkers = 2\n", "weft.toml:2"},
      {"peer_sites = [\"a:1\"]\n", "peer_sites: \"a:1\" is not HOST:PORT=SITE"},
      {"peer_sites = [\"a:1=x\", \"a:1=y\"]\n", "peer_sites: \"a:1\" is given twice"},
      {"site = \"a b\"\n", "site: \"a b\" is not a site"},
      {"site_uplinks = [\"paris=fast\"]\n", "\"fast\" is not a rate"},
      {"site_uplinks = [\"paris=0\"]\n", "leave the site out"},
      {"ingress = \"-1\"\n", "ingress: \"-1\" is not a rate"},
  };
  for (const auto& row : rows) {
    const auto loaded = load(row.toml);
    ASSERT_FALSE(loaded) << row.toml;
    EXPECT_TRUE(loaded.error().is(Errc::bad_config));
    EXPECT_TRUE(loaded.error().detail.contains(row.expected)) << loaded.error().detail;
  }
}

TEST_F(ConfigFile, a_public_listen_address_needs_insecure) {
  const auto refused = load("listen = \"0.0.0.0:7440\"\n");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().detail.contains("insecure = true"));
  EXPECT_TRUE(load("listen = \"0.0.0.0:7440\"\ninsecure = true\n"));
  EXPECT_TRUE(load("listen = \"off\"\n"));
}

TEST_F(ConfigFile, a_file_named_explicitly_must_exist) {
  const auto loaded = load_config(sources_);
  ASSERT_FALSE(loaded);
  EXPECT_TRUE(loaded.error().detail.contains("No such file")) << loaded.error().detail;
}

TEST(ConfigKeys, metrics_need_a_port_and_loopback_or_insecure) {
  const auto* key = find_config_key("metrics");
  Config config;
  EXPECT_FALSE(key->set(config, "127.0.0.1")) << "the default port is that of peers";
  ASSERT_TRUE(key->set(config, "0.0.0.0:9440"));
  EXPECT_FALSE(validate(config));
  config.insecure = true;
  EXPECT_TRUE(validate(config));
  ASSERT_TRUE(key->set(config, "off"));
  EXPECT_FALSE(config.metrics);
}

TEST(ConfigKeys, text_of_every_value_is_read_back) {
  for (const auto& key : config_keys()) {
    const Config defaults;
    Config again;
    EXPECT_TRUE(key.set(again, key.get(defaults))) << key.name;
    EXPECT_EQ(key.get(again), key.get(defaults)) << key.name;
  }
}

TEST(ConfigKeys, text_of_links_is_read_back) {
  Config given;
  ASSERT_TRUE(find_config_key("site_uplinks")->set(given, "lyon=1.5Gbit,paris=10MiB/s"));
  ASSERT_TRUE(find_config_key("ingress")->set(given, "64kbit"));
  ASSERT_TRUE(find_config_key("peer_sites")->set(given, "a:1=paris"));
  ASSERT_TRUE(find_config_key("site")->set(given, "berlin"));
  Config again;
  for (const char* name : {"site_uplinks", "ingress", "peer_sites", "site"}) {
    const auto* key = find_config_key(name);
    ASSERT_TRUE(key->set(again, key->get(given))) << name;
  }
  EXPECT_EQ(again.site_uplinks, given.site_uplinks);
  EXPECT_EQ(again.ingress, 8000);
  EXPECT_EQ(again.peer_sites, given.peer_sites);
  EXPECT_EQ(again.site, "berlin");
}

TEST(ConfigKeys, flags_and_variables_follow_the_name) {
  const auto* key = find_config_key("free_space_floor");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(flag_of(*key), "--free-space-floor");
  EXPECT_EQ(variable_of(*key), "WEFT_FREE_SPACE_FLOOR");
}

}  // namespace
}  // namespace weft::tools
