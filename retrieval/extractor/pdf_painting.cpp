#include "retrieval/extractor/pdf_painting.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "retrieval/extractor/pdf_geometry.h"

namespace conclave::retrieval::extractor {
namespace {

using Token = PdfLexer::Token;
using Kind = PdfValue::Kind;

constexpr std::size_t kMostOperators = 500'000;  // of a page; drawing it then takes its time, too
constexpr std::size_t kMostContent = std::size_t{16} << 20;
constexpr std::size_t kMostPieces = 50'000;
constexpr int kDeepestForm = 8;
constexpr std::size_t kMostStates = 256;

/// The least part of red, green and blue, 0 to 1: dark letters stand out from paper and from pale
/// grounds, whatever their colour.
constexpr double kDark = 0.4;
constexpr double kPale = 0.75;
/// Points; larger letters could be blocks that cover others.
constexpr double kLargestLetters = 60.0;

struct Colour {
    double least = 0.0;  ///< of red, green and blue
    /// What names it where only a drawing shows how dark it is; empty for device colours.
    std::string unknown;
    std::string space = "DeviceGray";  ///< as cs sets it
};

struct Font {
    std::string style;
    std::size_t nBytesOfCode = 1;
};

struct State {
    Matrix matrix;
    Colour fill;
    double lineWidth = 1.0;
    double miterLimit = 10.0;
    Box clip;
    bool isClipKnown = true;
    std::optional<Font> font;
    double fontSize = 0.0;
    double characterSpace = 0.0;
    double wordSpace = 0.0;
    double leading = 0.0;
    bool isTextNarrow = false;  ///< scaled to next to nothing, or mirrored
};

/// Letters that stand already when something is painted.
struct Shown {
    double x = 0.0;  ///< where they begin, or left of it
    double y = 0.0;
    double size = 0.0;
    bool isUpright = true;
    double covered = 0.0;  ///< of the size
};

/// The same for the same value.
void addFingerprint(const PdfValue& value, std::string& out) {
    out.push_back(static_cast<char>('a' + static_cast<int>(value.kind)));
    out += std::to_string(value.number);
    out += value.text;
    for (const PdfValue& item : value.items) addFingerprint(item, out);
    out.push_back(';');
}

std::string fingerprint(const PdfValue& value) {
    std::string out;
    addFingerprint(value, out);
    return out;
}

std::optional<Box> boxOf(const PdfValue& array) {
    if (array.kind != Kind::Array || array.items.size() != 4) return std::nullopt;
    for (const PdfValue& item : array.items) {
        if (item.kind != Kind::Number) return std::nullopt;
    }
    Box box;
    box.add({array.items[0].number, array.items[1].number});
    box.add({array.items[2].number, array.items[3].number});
    return box;
}

class PaintingReader {
public:
    PaintingReader(PdfFile& file, const Box& page) : m_file(file), m_page(page), m_textClip(page) {}

    [[nodiscard]] bool read(const std::string& content, const PdfValue& resources, State state,
                            int depth);
    /// How dark an unknown colour is can only be seen on white.
    [[nodiscard]] bool isPlain() const { return !(m_hasGround && m_hasUnknownColour); }
    [[nodiscard]] PagePainting painting() &&;

private:
    struct Frame;
    [[nodiscard]] bool apply(Frame& frame, std::string_view op);
    [[nodiscard]] bool applyPath(Frame& frame, std::string_view op, bool& isKnown);
    [[nodiscard]] bool applyColour(Frame& frame, std::string_view op, bool& isKnown);
    [[nodiscard]] bool applyText(Frame& frame, std::string_view op, bool& isKnown);
    [[nodiscard]] bool paint(Frame& frame, bool fills, bool strokes);
    [[nodiscard]] bool addCover(const State& state, Box box);
    [[nodiscard]] bool addGround(const State& state, const Box& box);
    [[nodiscard]] bool show(Frame& frame, const PdfValue& text);
    [[nodiscard]] bool setFont(Frame& frame);
    [[nodiscard]] bool setGraphics(Frame& frame);
    [[nodiscard]] bool setColourSpace(Frame& frame);
    [[nodiscard]] bool draw(Frame& frame);
    [[nodiscard]] bool beginMarked(Frame& frame, bool hasProperties);
    [[nodiscard]] std::optional<PdfValue> resource(const Frame& frame, std::string_view kind,
                                                   const std::string& name, bool resolves);

    PdfFile& m_file;
    Box m_page;
    Box m_textClip;
    std::vector<Box> m_covers;
    std::vector<Shown> m_shown;
    std::vector<PagePainting::Letters> m_letters;
    std::map<std::string, std::optional<Font>> m_fonts;
    std::size_t m_nOperators = 0;
    std::size_t m_nComparisons = 0;  ///< of grounds and letters
    bool m_hasGround = false;
    bool m_hasUnknownColour = false;
};

/// A stream of operators at work.
struct PaintingReader::Frame {
    const PdfValue& resources;
    int depth = 0;
    State state{};
    std::vector<State> states{};
    std::vector<PdfValue> operands{};
    // the path
    std::vector<Point> points{};
    std::vector<bool> isStart{};  ///< of a subpath, for each point
    std::size_t nRectangles = 0;
    bool hasOther = false;  ///< than rectangles
    Point current{};
    bool closes = false;  ///< a subpath, with a line to its start
    bool clips = false;
    // the text
    bool isInText = false;
    Matrix text{};
    Matrix line{};

    [[nodiscard]] bool areNumbers(std::size_t n) const {
        return operands.size() == n && std::all_of(operands.begin(), operands.end(),
                                                   [](auto& v) { return v.kind == Kind::Number; });
    }
    [[nodiscard]] double at(std::size_t i) const { return operands[i].number; }
    [[nodiscard]] Point place(double x, double y) const {
        const Matrix& m = state.matrix;
        return {x * m.a + y * m.c + m.e, x * m.b + y * m.d + m.f};
    }
    void addPoint(double x, double y, bool starts = false) {
        current = {x, y};
        points.push_back(place(x, y));
        isStart.push_back(starts);
    }
    void endPath() {
        points.clear();
        isStart.clear();
        nRectangles = 0;
        hasOther = false;
        closes = false;
        clips = false;
    }
};

bool PaintingReader::read(const std::string& content, const PdfValue& resources, State state,
                          int depth) {
    Frame frame{.resources = resources, .depth = depth};
    frame.state = std::move(state);
    PdfLexer lexer(content);
    while (true) {
        const Token token = lexer.next();
        if (token == Token::End) return frame.operands.empty();
        if (token == Token::Word) {
            const std::string& op = lexer.text();
            if (op == "true" || op == "false" || op == "null") return false;
            if (++m_nOperators > kMostOperators || !apply(frame, op)) return false;
            frame.operands.clear();
            continue;
        }
        // References do not occur here, so that a number is never the start of one.
        if (token == Token::Number) {
            PdfValue& value = frame.operands.emplace_back();
            value.kind = Kind::Number;
            value.number = lexer.number();
        } else {
            auto value = readPdfValue(lexer, token);
            if (!value) return false;
            frame.operands.push_back(std::move(*value));
        }
        constexpr std::size_t kMostOperands = 14;  // pdfium drops the first ones of more
        if (frame.operands.size() > kMostOperands) return false;
    }
}

bool PaintingReader::apply(Frame& frame, std::string_view op) {
    State& state = frame.state;
    if (op == "q") {
        if (frame.states.size() >= kMostStates || !frame.operands.empty() || frame.isInText) {
            return false;
        }
        frame.states.push_back(state);
        return true;
    }
    if (op == "Q") {
        if (frame.states.empty() || !frame.operands.empty() || frame.isInText) return false;
        state = std::move(frame.states.back());
        frame.states.pop_back();
        return true;
    }
    if (op == "cm") {
        if (!frame.areNumbers(6) || frame.isInText) return false;
        const Matrix added{frame.at(0), frame.at(1), frame.at(2),
                           frame.at(3), frame.at(4), frame.at(5)};
        state.matrix = added.then(state.matrix);
        return true;
    }
    if (op == "w" || op == "M") {
        if (!frame.areNumbers(1)) return false;
        (op == "w" ? state.lineWidth : state.miterLimit) = std::abs(frame.at(0));
        return true;
    }
    if (op == "J" || op == "j" || op == "i") return frame.areNumbers(1);
    if (op == "d") return frame.operands.size() == 2;
    if (op == "ri") return frame.operands.size() == 1;
    if (op == "gs") return setGraphics(frame);
    if (op == "Do") return draw(frame);
    if (op == "BMC" || op == "MP") return beginMarked(frame, false);
    if (op == "BDC" || op == "DP") return beginMarked(frame, true);
    if (op == "EMC") return frame.operands.empty();
    bool isKnown = true;
    if (const bool isDone = applyText(frame, op, isKnown); isKnown) return isDone;
    isKnown = true;
    if (const bool isDone = applyColour(frame, op, isKnown); isKnown) return isDone;
    isKnown = true;
    const bool isDone = applyPath(frame, op, isKnown);
    return isKnown && isDone;
}

bool PaintingReader::applyPath(Frame& frame, std::string_view op, bool& isKnown) {
    if (frame.isInText) return false;
    if (op == "re") {
        if (!frame.areNumbers(4)) return false;
        const double x = frame.at(0);
        const double y = frame.at(1);
        frame.addPoint(x, y, true);
        frame.addPoint(x + frame.at(2), y);
        frame.addPoint(x + frame.at(2), y + frame.at(3));
        frame.addPoint(x, y + frame.at(3));
        frame.addPoint(x, y);
        ++frame.nRectangles;
        return frame.points.size() < kMostPieces;
    }
    const auto addPoints = [&](std::size_t n) {
        if (!frame.areNumbers(2 * n)) return false;
        for (std::size_t i = 0; i < n; ++i) {
            frame.addPoint(frame.at(2 * i), frame.at(2 * i + 1), op == "m");
        }
        frame.hasOther = true;
        return frame.points.size() < kMostPieces;
    };
    if (op == "m" || op == "l") return addPoints(1);
    if (op == "c") return addPoints(3);
    if (op == "v" || op == "y") return addPoints(2);
    if (!frame.operands.empty()) return false;
    if (op == "h") {
        frame.hasOther = true;
        frame.closes = true;
        return true;
    }
    if (op == "s" || op == "b" || op == "b*") frame.closes = true;
    if (op == "W" || op == "W*") {
        frame.clips = true;
        return true;
    }
    if (op == "n") return paint(frame, false, false);
    if (op == "f" || op == "F" || op == "f*") return paint(frame, true, false);
    if (op == "S" || op == "s") return paint(frame, false, true);
    if (op == "B" || op == "B*" || op == "b" || op == "b*") return paint(frame, true, true);
    isKnown = false;
    return false;
}

bool PaintingReader::paint(Frame& frame, bool fills, bool strokes) {
    State& state = frame.state;
    Box whole;
    for (const Point p : frame.points) whole.add(p);
    if (fills && !frame.points.empty()) {
        Box box = whole;
        box.grow(0.5);  // the narrowest are drawn as wide as a pixel
        if (!(state.fill.unknown.empty() && state.fill.least >= kPale ? addGround(state, box)
                                                                      : addCover(state, box))) {
            return false;
        }
    }
    if (strokes) {
        const Matrix& m = state.matrix;
        const double scale = std::max(std::hypot(m.a, m.b), std::hypot(m.c, m.d));
        // A thick line may reach far beyond a sharp corner.
        constexpr double kThick = 2.0;  // points
        const auto isSlanted = [&](std::size_t i) {
            const Point from = frame.points[i - 1];
            const Point to = frame.points[i];
            return !frame.isStart[i] &&
                   std::min(std::abs(from.x - to.x), std::abs(from.y - to.y)) > 0.1;
        };
        double corners = 1.5;
        for (std::size_t i = 1; i < frame.points.size() && corners < 2.0; ++i) {
            if (state.lineWidth * scale > kThick && isSlanted(i)) {
                corners = std::clamp(state.miterLimit, 2.0, 10.0);
            }
        }
        const double around = std::max(0.3, state.lineWidth * scale / 2.0) * corners;
        // Each line by itself: a frame does not cover what is inside.
        std::size_t start = 0;
        const auto addLine = [&](std::size_t from, std::size_t to) {
            Box box;
            box.add(frame.points[from]);
            box.add(frame.points[to]);
            box.grow(around);
            return addCover(state, box);
        };
        for (std::size_t i = 1; i < frame.points.size(); ++i) {
            if (frame.isStart[i]) {
                if (frame.closes && !addLine(i - 1, start)) return false;
                start = i;
            } else if (!addLine(i - 1, i)) {
                return false;
            }
        }
        if (frame.closes && !frame.points.empty() && !addLine(frame.points.size() - 1, start)) {
            return false;
        }
    }
    if (frame.clips) {
        const bool isRectangle = frame.nRectangles == 1 && !frame.hasOther &&
                                 frame.state.matrix.isUpright() && frame.points.size() == 5;
        if (isRectangle) state.clip.keepInside(whole);
        if (!isRectangle) state.isClipKnown = false;
    }
    frame.endPath();
    return true;
}

bool PaintingReader::addCover(const State& state, Box box) {
    box.keepInside(state.clip);
    box.keepInside(m_page);
    if (box.isEmpty()) return true;
    m_covers.push_back(box);
    return m_covers.size() < kMostPieces;
}

/// Paint that dark letters stand out from hides only what stands there already: false if it may.
bool PaintingReader::addGround(const State& state, const Box& box) {
    m_hasGround = true;
    Box seen = box;
    seen.keepInside(state.clip);
    if (seen.isEmpty()) return true;
    for (Shown& letters : m_shown) {
        if (!letters.isUpright) return false;
        if (letters.x - letters.size >= seen.right) continue;
        constexpr double kBelow = 0.2;  // of letters, with g and p
        constexpr double kAbove = 0.8;
        const double shared = std::min(seen.top, letters.y + kAbove * letters.size) -
                              std::max(seen.bottom, letters.y - kBelow * letters.size);
        letters.covered += std::max(0.0, shared);
        if (letters.covered > kMostCovered * letters.size) return false;
    }
    m_nComparisons += m_shown.size();
    return m_nComparisons < kMostComparisons;
}

bool PaintingReader::applyColour(Frame& frame, std::string_view op, bool& isKnown) {
    Colour& fill = frame.state.fill;
    const auto isPart = [](const PdfValue& v) {
        return v.kind == Kind::Number && v.number >= 0.0 && v.number <= 1.0;
    };
    const auto areParts = [&](std::size_t n) {
        return frame.operands.size() == n &&
               std::all_of(frame.operands.begin(), frame.operands.end(), isPart);
    };
    const auto setDevice = [&](std::string_view space) {
        const std::size_t n = space == "DeviceGray" ? 1U : space == "DeviceRGB" ? 3U : 4U;
        if (!areParts(n)) return false;
        double least = frame.at(0);
        for (std::size_t i = 1; i < std::min<std::size_t>(n, 3); ++i) {
            least = n == 4 ? std::max(least, frame.at(i)) : std::min(least, frame.at(i));
        }
        if (n == 4) least = 1.0 - std::min(1.0, least + frame.at(3));
        fill = {.least = least, .unknown = {}, .space = std::string(space)};
        return true;
    };
    if (op == "g") return setDevice("DeviceGray");
    if (op == "rg") return setDevice("DeviceRGB");
    if (op == "k") return setDevice("DeviceCMYK");
    if (op == "G") return areParts(1);
    if (op == "RG") return areParts(3);
    if (op == "K") return areParts(4);
    if (op == "CS") return frame.operands.size() == 1;
    if (op == "SC" || op == "SCN") return !frame.operands.empty();
    if (op == "cs") return setColourSpace(frame);
    if (op == "sc" || op == "scn") {
        if (fill.space.starts_with("Device")) return setDevice(fill.space);
        fill.unknown = fill.space;
        for (const PdfValue& part : frame.operands) {
            if (part.kind != Kind::Number) return false;  // a pattern
            addFingerprint(part, fill.unknown);
        }
        return true;
    }
    isKnown = false;
    return false;
}

bool PaintingReader::setColourSpace(Frame& frame) {
    if (frame.operands.size() != 1 || frame.operands[0].kind != Kind::Name) return false;
    const std::string& name = frame.operands[0].text;
    Colour& fill = frame.state.fill;
    if (name == "DeviceGray" || name == "DeviceRGB" || name == "DeviceCMYK") {
        fill = {.least = 0.0, .unknown = {}, .space = name};
        return true;
    }
    const auto space = resource(frame, "ColorSpace", name, false);
    if (!space) return false;
    const auto resolved = m_file.resolve(*space);
    if (!resolved || resolved->isName("Pattern")) return false;
    if (resolved->kind == Kind::Array &&
        (resolved->items.empty() || resolved->items.front().isName("Pattern"))) {
        return false;
    }
    const std::string print = fingerprint(*space);
    fill = {.least = 0.0, .unknown = print + "first", .space = print};
    return true;
}

bool PaintingReader::applyText(Frame& frame, std::string_view op, bool& isKnown) {
    State& state = frame.state;
    const auto move = [&](double x, double y) {
        frame.line = Matrix{1, 0, 0, 1, x, y}.then(frame.line);
        frame.text = frame.line;
    };
    if (op == "BT") {
        if (frame.isInText || !frame.points.empty()) return false;
        frame.isInText = true;
        frame.text = frame.line = Matrix{};
        return frame.operands.empty();
    }
    if (op == "ET") {
        const bool was = std::exchange(frame.isInText, false);
        return was && frame.operands.empty();
    }
    if (op == "Tf") return setFont(frame);
    if (op == "Tr") return frame.areNumbers(1) && frame.at(0) == 0.0;
    if (op == "Tc" || op == "Tw" || op == "TL" || op == "Ts" || op == "Tz") {
        if (!frame.areNumbers(1)) return false;
        if (op == "Tc") state.characterSpace = frame.at(0);
        if (op == "Tw") state.wordSpace = frame.at(0);
        if (op == "TL") state.leading = frame.at(0);
        if (op == "Tz") state.isTextNarrow = frame.at(0) < 20.0;
        return op != "Ts" || std::abs(frame.at(0)) < 20.0;
    }
    if (op == "Td" || op == "TD") {
        if (!frame.areNumbers(2)) return false;
        if (op == "TD") state.leading = -frame.at(1);
        move(frame.at(0), frame.at(1));
        return true;
    }
    if (op == "Tm") {
        if (!frame.areNumbers(6)) return false;
        frame.line = {frame.at(0), frame.at(1), frame.at(2), frame.at(3), frame.at(4), frame.at(5)};
        frame.text = frame.line;
        return true;
    }
    if (op == "T*") {
        move(0.0, -state.leading);
        return frame.operands.empty();
    }
    if (op == "Tj" || op == "TJ") {
        return frame.operands.size() == 1 && show(frame, frame.operands[0]);
    }
    if (op == "'") {
        move(0.0, -state.leading);
        return frame.operands.size() == 1 && show(frame, frame.operands[0]);
    }
    isKnown = false;
    return false;
}

bool PaintingReader::setFont(Frame& frame) {
    if (frame.operands.size() != 2 || frame.operands[0].kind != Kind::Name ||
        frame.operands[1].kind != Kind::Number) {
        return false;
    }
    frame.state.fontSize = frame.at(1);
    const auto reference = resource(frame, "Font", frame.operands[0].text, false);
    if (!reference) return false;
    const auto [known, isNew] = m_fonts.try_emplace(fingerprint(*reference));
    if (isNew) {
        const auto font = m_file.resolve(*reference);
        const PdfValue* kind = font ? font->find("Subtype") : nullptr;
        if (kind == nullptr || kind->isName("Type3")) return false;  // its glyphs may be anything
        Font read{.style = known->first, .nBytesOfCode = 1};
        if (kind->isName("Type0")) {
            const PdfValue* encoding = font->find("Encoding");
            if (encoding == nullptr || encoding->kind != Kind::Name ||
                !encoding->text.ends_with("-H")) {
                return false;
            }
            read.nBytesOfCode = 2;
        }
        known->second = std::move(read);
    }
    frame.state.font = known->second;
    return known->second.has_value();
}

bool PaintingReader::show(Frame& frame, const PdfValue& text) {
    const State& state = frame.state;
    if (!frame.isInText || !state.font || !state.isClipKnown) return false;
    PagePainting::Letters letters{.style = state.font->style + state.fill.unknown,
                                  .codes = {},
                                  .nBytesOfCode = state.font->nBytesOfCode};
    double leftwards = 0.0;  // thousandths of the size
    if (text.kind == Kind::String) {
        letters.codes = text.text;
    } else if (text.kind == Kind::Array) {
        for (const PdfValue& item : text.items) {
            if (item.kind == Kind::String) {
                letters.codes += item.text;
            } else if (item.kind == Kind::Number) {
                leftwards += std::max(item.number, 0.0);
            } else {
                return false;
            }
        }
    } else {
        return false;
    }
    if (letters.codes.size() % letters.nBytesOfCode != 0) return false;
    if (letters.codes.empty()) return true;
    if (state.fill.unknown.empty() ? state.fill.least > kDark : false) return false;
    m_hasUnknownColour = m_hasUnknownColour || !state.fill.unknown.empty();
    const Matrix m = frame.text.then(state.matrix);
    const double size =
        std::abs(state.fontSize) * std::max(std::hypot(m.a, m.b), std::hypot(m.c, m.d));
    if (!(size <= kLargestLetters)) return false;
    const double narrowest = -0.2 * std::abs(state.fontSize);
    const bool isUpright = m.isUpright() && m.a > 0.0 && m.d > 0.0 && state.fontSize > 0.0 &&
                           !state.isTextNarrow && state.characterSpace >= narrowest &&
                           state.wordSpace >= narrowest;
    const double x = m.e - leftwards / 1000.0 * size;
    m_shown.push_back({.x = x, .y = m.f, .size = size, .isUpright = isUpright});
    m_textClip.keepInside(state.clip);
    m_letters.push_back(std::move(letters));
    return m_letters.size() < kMostPieces;
}

/// The entries of an ExtGState that leave text as it is.
bool PaintingReader::setGraphics(Frame& frame) {
    if (frame.operands.size() != 1 || frame.operands[0].kind != Kind::Name) return false;
    const auto graphics = resource(frame, "ExtGState", frame.operands[0].text, true);
    if (!graphics || graphics->kind != Kind::Dictionary) return false;
    constexpr auto kHarmless = std::to_array<std::string_view>(
        {"Type", "LC", "LJ", "D", "RI", "OP", "op", "OPM", "FL", "SM", "SA", "AIS", "TK", "CA",
         "BG", "BG2", "UCR", "UCR2", "HT"});
    for (std::size_t i = 0; i < graphics->items.size(); i += 2) {
        const std::string& key = graphics->items[i].text;
        const PdfValue& value = graphics->items[i + 1];
        if (key == "LW" || key == "ML") {
            if (value.kind != Kind::Number) return false;
            (key == "LW" ? frame.state.lineWidth : frame.state.miterLimit) = value.number;
        } else if (key == "ca") {
            if (value.kind != Kind::Number || value.number != 1.0) return false;
        } else if (key == "BM") {
            if (!value.isName("Normal") && !value.isName("Compatible")) return false;
        } else if (key == "SMask") {
            if (!value.isName("None")) return false;
        } else if (std::find(kHarmless.begin(), kHarmless.end(), key) == kHarmless.end()) {
            return false;
        }
    }
    return true;
}

bool PaintingReader::draw(Frame& frame) {
    if (frame.operands.size() != 1 || frame.operands[0].kind != Kind::Name || frame.isInText) {
        return false;
    }
    const auto reference = resource(frame, "XObject", frame.operands[0].text, false);
    if (!reference || reference->kind != Kind::Reference) return false;
    const auto dictionary = m_file.resolve(*reference);
    const PdfValue* kind = dictionary ? dictionary->find("Subtype") : nullptr;
    if (kind == nullptr || dictionary->find("OC") != nullptr) return false;
    if (kind->isName("Image")) {
        Box box;
        for (const Point corner : {Point{0, 0}, Point{1, 0}, Point{0, 1}, Point{1, 1}}) {
            box.add(frame.place(corner.x, corner.y));
        }
        return addCover(frame.state, box);
    }
    if (!kind->isName("Form") || frame.depth >= kDeepestForm) return false;
    const auto form = m_file.stream(*reference);
    if (!form) return false;
    State state = frame.state;
    if (const auto matrix = m_file.get(form->dictionary, "Matrix");
        !matrix || (matrix->kind != Kind::Null && matrix->kind != Kind::Array)) {
        return false;
    } else if (matrix->kind == Kind::Array) {
        std::array<double, 6> m{};
        if (matrix->items.size() != m.size()) return false;
        for (std::size_t i = 0; i < m.size(); ++i) {
            if (matrix->items[i].kind != Kind::Number) return false;
            m[i] = matrix->items[i].number;
        }
        state.matrix = Matrix{m[0], m[1], m[2], m[3], m[4], m[5]}.then(state.matrix);
    }
    const auto own = m_file.get(form->dictionary, "Resources");
    const auto bounds = m_file.get(form->dictionary, "BBox");
    if (!own || !bounds) return false;
    const Box bounded = boxOf(*bounds).value_or(Box{});
    if (bounded.isEmpty()) return false;
    Box clip;
    const Matrix& m = state.matrix;
    for (const Point corner :
         {Point{bounded.left, bounded.bottom}, Point{bounded.right, bounded.bottom},
          Point{bounded.left, bounded.top}, Point{bounded.right, bounded.top}}) {
        clip.add({corner.x * m.a + corner.y * m.c + m.e, corner.x * m.b + corner.y * m.d + m.f});
    }
    state.clip.keepInside(clip);
    state.isClipKnown = state.isClipKnown && m.isUpright();
    const PdfValue& resources = own->kind == Kind::Dictionary ? *own : frame.resources;
    return read(form->bytes, resources, std::move(state), frame.depth + 1);
}

/// Layers may be off, and a text may be given for what is drawn.
bool PaintingReader::beginMarked(Frame& frame, bool hasProperties) {
    if (frame.operands.size() != (hasProperties ? 2U : 1U)) return false;
    if (frame.operands[0].kind != Kind::Name || frame.operands[0].text == "OC") return false;
    if (!hasProperties) return true;
    std::optional<PdfValue> properties = frame.operands[1];
    if (properties->kind == Kind::Name) {
        properties = resource(frame, "Properties", properties->text, true);
    }
    return properties && properties->kind == Kind::Dictionary &&
           properties->find("ActualText") == nullptr && properties->find("OCGs") == nullptr;
}

std::optional<PdfValue> PaintingReader::resource(const Frame& frame, std::string_view kind,
                                                 const std::string& name, bool resolves) {
    const auto list = m_file.get(frame.resources, kind);
    if (!list) return std::nullopt;
    const PdfValue* value = list->find(name);
    if (value == nullptr) return std::nullopt;
    if (resolves) return m_file.resolve(*value);
    return *value;
}

PagePainting PaintingReader::painting() && {
    PagePainting result;
    result.width = m_page.right;
    result.height = m_page.top;
    const auto downwards = [&](const Box& box) {
        return LineBox{box.left, m_page.top - box.top, box.right, m_page.top - box.bottom};
    };
    for (const Box& box : m_covers) result.covers.push_back(downwards(box));
    result.clip = downwards(m_textClip);
    result.letters = std::move(m_letters);
    return result;
}

}  // namespace

std::optional<PagePainting> readPagePainting(PdfFile& file, std::size_t index) {
    const auto page = file.page(index);
    if (!page || page->resources.kind != Kind::Dictionary) return std::nullopt;
    const auto mediaBox = boxOf(page->mediaBox);
    if (!mediaBox || mediaBox->left != 0.0 || mediaBox->bottom != 0.0) return std::nullopt;
    if (page->cropBox.kind != Kind::Null) {
        const auto cropBox = boxOf(page->cropBox);
        if (!cropBox || cropBox->left != 0.0 || cropBox->bottom != 0.0 ||
            cropBox->right != mediaBox->right || cropBox->top != mediaBox->top) {
            return std::nullopt;
        }
    }
    const PdfValue& rotate = page->rotate;
    if (rotate.kind != Kind::Null && (rotate.kind != Kind::Number || rotate.number != 0.0)) {
        return std::nullopt;
    }
    if (page->dictionary.find("UserUnit") != nullptr) return std::nullopt;
    const PdfValue* contents = page->dictionary.find("Contents");
    if (contents == nullptr) return std::nullopt;
    const auto list = file.resolve(*contents);
    if (!list) return std::nullopt;
    std::string content;
    for (const PdfValue& part :
         list->kind == Kind::Array ? list->items : std::vector<PdfValue>{*contents}) {
        auto stream = file.stream(part);
        if (!stream || content.size() + stream->bytes.size() > kMostContent) return std::nullopt;
        content += stream->bytes;
        content.push_back(' ');
    }
    PaintingReader reader(file, *mediaBox);
    State state;
    state.clip = *mediaBox;
    if (!reader.read(content, page->resources, std::move(state), 0) || !reader.isPlain()) {
        return std::nullopt;
    }
    return std::move(reader).painting();
}

}  // namespace conclave::retrieval::extractor
