// SPDX-License-Identifier: Apache-2.0
#pragma once

// libfuse3's low-level API at the version this code is written for.
#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>
