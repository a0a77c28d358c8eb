#include "retrieval/page_picture.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/utf8.h"
#include "retrieval/document_json.h"
#include "retrieval/extractor_process.h"

namespace conclave::retrieval {
namespace {

constexpr std::uint32_t kPictureSign = 0x31504743;  // "CGP1"
constexpr double kEdgeParts = 65536.0;
constexpr double kSizeParts = 100.0;
constexpr std::size_t kMostBoxes = 20'000;
constexpr std::size_t kBytesPerPixel = 4;

void put32(std::string& bytes, std::size_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes.push_back(static_cast<char>(value >> shift & 0xFFU));
    }
}

std::size_t partsOf(double value, double parts, double most) {
    return static_cast<std::size_t>(std::lround(std::clamp(value, 0.0, most) * parts));
}

/// Takes numbers off the front; none once the bytes have run out.
class NumberReader {
public:
    explicit NumberReader(std::string_view bytes) : m_bytes(bytes) {}
    std::optional<std::uint32_t> next() {
        const auto four = bytes(4);
        if (!four) return std::nullopt;
        std::uint32_t value = 0;
        for (std::size_t i = 4; i-- > 0;) {
            value = value << 8U | static_cast<unsigned char>((*four)[i]);
        }
        return value;
    }
    std::optional<std::string_view> bytes(std::size_t n) {
        if (n > m_bytes.size()) return std::nullopt;
        const std::string_view taken = m_bytes.substr(0, n);
        m_bytes.remove_prefix(n);
        return taken;
    }
    [[nodiscard]] std::size_t left() const { return m_bytes.size(); }

private:
    std::string_view m_bytes;
};

std::optional<PagePicture::Box> readBox(NumberReader& reader, std::size_t nMarks) {
    const auto mark = reader.next();
    const auto left = reader.next();
    const auto top = reader.next();
    const auto right = reader.next();
    const auto bottom = reader.next();
    if (!mark || !left || !top || !right || !bottom || *mark >= nMarks || *left > *right ||
        *top > *bottom || *right > kEdgeParts || *bottom > kEdgeParts) {
        return std::nullopt;
    }
    return PagePicture::Box{*mark, *left / kEdgeParts, *top / kEdgeParts, *right / kEdgeParts,
                            *bottom / kEdgeParts};
}

/// All but the pixels, which are what `reader` has left.
std::optional<PagePicture> readHead(NumberReader& reader, const PageRequest& request) {
    const auto sign = reader.next();
    const auto width = reader.next();
    const auto height = reader.next();
    const auto nBoxes = reader.next();
    const auto nTexts = reader.next();
    const auto nSizes = reader.next();
    if (sign != kPictureSign || !width || !height || !nBoxes || !nTexts || !nSizes) return {};
    if (*width < 1 || *height < 1 || *width > static_cast<std::uint32_t>(request.widthPixels) ||
        *height > kMostPagePixels / *width || *nBoxes > kMostBoxes ||
        *nTexts != request.marks.size() || *nSizes > PagePicture::kMostSizes ||
        (*nSizes > 0 && !request.withSizes)) {
        return {};
    }
    PagePicture picture;
    picture.width = static_cast<int>(*width);
    picture.height = static_cast<int>(*height);
    for (std::uint32_t i = 0; i < *nBoxes; ++i) {
        const auto box = readBox(reader, request.marks.size());
        if (!box) return {};
        picture.boxes.push_back(*box);
    }
    for (std::uint32_t i = 0; i < *nTexts; ++i) {
        const auto size = reader.next();
        const auto text = size ? reader.bytes(*size) : std::nullopt;
        if (!text) return {};
        picture.texts.push_back(toValidUtf8(*text));
    }
    for (std::uint32_t i = 0; i < *nSizes; ++i) {
        const auto pageWidth = reader.next();
        const auto pageHeight = reader.next();
        if (!pageWidth || !pageHeight || *pageWidth == 0 || *pageHeight == 0) return {};
        picture.sizes.push_back({*pageWidth / kSizeParts, *pageHeight / kSizeParts});
    }
    if (reader.left() != std::size_t{*width} * *height * kBytesPerPixel) return {};
    return picture;
}

}  // namespace

std::string toBytes(const PagePicture& picture) {
    std::string bytes;
    bytes.reserve(picture.pixels.size() + (std::size_t{64} << 10U));
    put32(bytes, kPictureSign);
    put32(bytes, static_cast<std::size_t>(picture.width));
    put32(bytes, static_cast<std::size_t>(picture.height));
    const std::size_t nBoxes = std::min(picture.boxes.size(), kMostBoxes);
    put32(bytes, nBoxes);
    put32(bytes, picture.texts.size());
    put32(bytes, picture.sizes.size());
    for (std::size_t i = 0; i < nBoxes; ++i) {
        const PagePicture::Box& box = picture.boxes[i];
        put32(bytes, box.mark);
        for (const double edge : {box.left, box.top, box.right, box.bottom}) {
            put32(bytes, partsOf(edge, kEdgeParts, 1.0));
        }
    }
    for (const std::string& text : picture.texts) {
        put32(bytes, text.size());
        bytes += text;
    }
    constexpr double kLongestSide = 1e6;  // points
    for (const PagePicture::Size& size : picture.sizes) {
        for (const double side : {size.width, size.height}) {
            put32(bytes, std::max<std::size_t>(partsOf(side, kSizeParts, kLongestSide), 1));
        }
    }
    bytes += picture.pixels;
    return bytes;
}

Result<PagePicture> pictureFromBytes(std::string bytes, const PageRequest& request) {
    if (bytes.starts_with('{')) {
        const auto problem = documentFromJson(bytes);
        if (!problem) return tl::unexpected(problem.error());
    }
    NumberReader reader(bytes);
    auto picture = readHead(reader, request);
    if (!picture) return fail(ErrorCode::Corrupt, "the document worker drew no page");
    bytes.erase(0, bytes.size() - reader.left());
    picture->pixels = std::move(bytes);
    return std::move(*picture);
}

Result<PagePicture> Extractor::drawPage(const std::filesystem::path& path,
                                        const PageRequest& request,
                                        const ExtractOptions& options) const {
    if (request.page < 1 || request.widthPixels < 1 || request.widthPixels > kMostPageWidth ||
        request.marks.size() > kMostPageMarks) {
        return fail(ErrorCode::InvalidArgument, "such a page cannot be drawn");
    }
    if (const auto usable = checkFile(path); !usable) return tl::unexpected(usable.error());
    const std::filesystem::path renderer = m_worker.parent_path() / "conclave-extract-pdf";
    std::error_code problem;
    if (!std::filesystem::exists(renderer, problem)) {
        return fail(ErrorCode::Unsupported,
                    "this build of Conclave shows no PDF; it was made without Qt");
    }
    std::vector<std::string> arguments = {"--view", std::to_string(request.page), "--width",
                                          std::to_string(request.widthPixels)};
    if (request.withSizes) arguments.emplace_back("--sizes");
    for (const PageRequest::Range& mark : request.marks) {
        arguments.insert(arguments.end(),
                         {"--mark", std::to_string(mark.startByte), std::to_string(mark.endByte)});
    }
    arguments.push_back(std::filesystem::absolute(path, problem));
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    auto bytes = runLimited(renderer, arguments, nothing, options, path, options.many);
    ::close(nothing);
    if (!bytes) return tl::unexpected(bytes.error());
    return pictureFromBytes(std::move(*bytes), request);
}

}  // namespace conclave::retrieval
