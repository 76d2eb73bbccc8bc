// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/nbd/block_graph.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <ranges>

#include <fcntl.h>
#include <sys/mman.h>

namespace weft {
namespace {

// 0 to 2 are standard; 3 is where QEMU expects the socket it is given.
constexpr int first_free_descriptor = 4;

std::string path_of(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

// Digits and slashes alone: nothing to escape.
std::string file_node(std::string_view path) {
  return std::string(R"({"driver":"file","read-only":true,"filename":")").append(path) + "\"}";
}

bool has_backing(DiskFormat format) {
  return format == DiskFormat::qcow2 || format == DiskFormat::qcow || format == DiskFormat::qed ||
         format == DiskFormat::vmdk;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string hex(std::uint32_t value) {
  std::string text(8, '0');
  for (char& c : text | std::views::reverse) {
    c = "0123456789abcdef"[value & 15];
    value >>= 4;
  }
  return text;
}

}  // namespace

std::string vmdk_text(const VmdkDescriptor& descriptor, std::span<const std::string> files) {
  // No empty line: QEMU takes an extent that follows one twice.
  std::string text = "# Disk DescriptorFile\nversion=1\nCID=" + hex(descriptor.cid) +
                     "\nparentCID=" + hex(descriptor.parent_cid) + "\ncreateType=\"" +
                     descriptor.create_type + "\"\n";
  for (std::size_t i = 0; i < descriptor.extents.size(); ++i) {
    const VmdkExtent& extent = descriptor.extents[i];
    text += "RW " + std::to_string(extent.sectors) + " " + extent.type + " \"" + files[i] + "\"";
    if (extent.type == "FLAT") text += " " + std::to_string(extent.offset);
    text += "\n";
  }
  return text;
}

Result<std::string> BlockGraph::add(const SourceFile& file) {
  int descriptor = file.file->descriptor();
  if (descriptor < first_free_descriptor) {
    UniqueFd higher(::fcntl(descriptor, F_DUPFD_CLOEXEC, first_free_descriptor));
    if (!higher) return fail_errno(errno, Operation::import, file.path.string());
    descriptor = higher.get();
    own_.push_back(std::move(higher));
  }
  descriptors_.push_back(descriptor);
  names_.emplace_back(path_of(descriptor), file.path.string());
  return path_of(descriptor);
}

Result<std::string> BlockGraph::add_descriptor_file(const ImageLayer& layer) {
  std::vector<std::string> files;
  for (const SourceFile& extent : layer.extents) {
    WEFT_TRY(files.emplace_back(), add(extent));
  }
  const std::string text = vmdk_text(*layer.descriptor, files);
  const UniqueFd memory(::memfd_create("vmdk", MFD_CLOEXEC));
  UniqueFd higher(memory ? ::fcntl(memory.get(), F_DUPFD_CLOEXEC, first_free_descriptor) : -1);
  if (!higher) return fail_errno(errno, Operation::import, layer.file.path.string());
  if (::write(higher.get(), text.data(), text.size()) != std::ssize(text)) {
    return fail_errno(errno, Operation::import, layer.file.path.string());
  }
  const std::string path = path_of(higher.get());
  descriptors_.push_back(higher.get());
  names_.emplace_back(path, layer.file.path.string());
  own_.push_back(std::move(higher));
  return path;
}

Result<std::string> BlockGraph::layer(const ImageLayer& layer, std::string_view below) {
  WEFT_TRY(const std::string path, layer.descriptor ? add_descriptor_file(layer) : add(layer.file));
  std::string node = R"({"driver":")" + std::string(to_string(layer.format)) +
                     R"(","read-only":true,"file":)" + file_node(path);
  if (layer.data_file) {
    WEFT_TRY(const std::string data, add(*layer.data_file));
    node += R"(,"data-file":)" + file_node(data);
  }
  if (has_backing(layer.format)) node += std::string(R"(,"backing":)").append(below);
  return node + "}";
}

Result<BlockGraph> BlockGraph::of(const ImageChain& chain) {
  BlockGraph graph;
  std::string node = "null";
  for (const ImageLayer& layer : chain.layers | std::views::reverse) {
    WEFT_TRY(node, graph.layer(layer, node));
  }
  graph.argument_ = "json:" + node;
  return graph;
}

std::string BlockGraph::with_names(std::string text) const {
  replace_all(text, "'" + argument_ + "'", "the image");
  // The longest number first: /proc/self/fd/1 begins /proc/self/fd/12.
  auto names = names_;
  std::ranges::sort(names, std::ranges::greater{}, [](const auto& n) { return n.first.size(); });
  for (const auto& [path, name] : names)
    replace_all(text, path, name);
  return text;
}

}  // namespace weft
