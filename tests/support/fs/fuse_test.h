// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/fs/lazy_mount.h"

#include <gtest/gtest.h>

namespace weft::testing {

/// A test that mounts: skipped, with the reason, where that is not possible.
class FuseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_fuse(); !why.empty()) GTEST_SKIP() << why;
  }
};

}  // namespace weft::testing
