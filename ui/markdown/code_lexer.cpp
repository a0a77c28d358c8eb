#include "ui/markdown/code_lexer.h"

#include <QHash>
#include <QSet>
#include <QStringList>
#include <array>

namespace conclave::ui {

namespace {

/// A kind of string literal; `lines` ones go on over line ends.
struct Quote {
    const char* open;
    const char* close;
    bool escapes;
    bool lines;
};

struct Row {
    const char* names;  ///< first the label, then what fences call it
    const char* lineComments;
    const char* blockOpen;
    const char* blockClose;
    std::vector<Quote> quotes;  ///< longer ones first
    const char* keywords;
    const char* types;
    char meta;  ///< a word after this one is Meta: '@' decorator, '$' variable, '#' directive
    bool ignoreCase = false;
    bool markup = false;     ///< HTML and XML: words count inside tags only
    bool functions = true;   ///< a word before "(" is a function
    bool dashWords = false;  ///< words may contain "-", as in CSS and shell
};

const Quote kDouble{"\"", "\"", true, false};
const Quote kSingle{"'", "'", true, false};
const Quote kBacktick{"`", "`", true, true};
const Quote kTripleDouble{"\"\"\"", "\"\"\"", true, true};
const Quote kTripleSingle{"'''", "'''", true, true};

// clang-format off
const std::vector<Row>& rows() {
    static const std::vector<Row> table = {
        {"C++ cpp c++ cxx cc hpp h c objc arduino", "//", "/*", "*/", {kDouble, kSingle},
         "alignas alignof and asm auto break case catch class co_await co_return co_yield concept const consteval constexpr constinit const_cast continue decltype default delete do dynamic_cast else enum explicit export extern final for friend goto if inline mutable namespace new noexcept not operator or override private protected public register reinterpret_cast requires return sizeof static static_assert static_cast struct switch template this thread_local throw try typedef typeid typename union using virtual volatile while true false nullptr NULL restrict",
         "void bool char int short long float double signed unsigned wchar_t char8_t char16_t char32_t size_t ssize_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t string string_view vector map set array optional span unique_ptr shared_ptr pair tuple std", '#'},
        {"Python py python python3 ipython gyp", "#", "", "", {kTripleDouble, kTripleSingle, kDouble, kSingle},
         "and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield True False None self cls",
         "int float str bytes bool list dict set tuple object type range complex frozenset Exception", '@'},
        {"JavaScript javascript js jsx mjs node typescript ts tsx", "//", "/*", "*/", {kDouble, kSingle, kBacktick},
         "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends finally for from function get if implements import in instanceof interface keyof let namespace new of private protected public readonly return satisfies set static super switch this throw try type typeof var while with yield true false null undefined NaN Infinity",
         "any bigint boolean never number object string symbol unknown void Array Date Error Map Promise RegExp Set Record Partial Object String Number Boolean", '@'},
        {"Rust rust rs", "//", "/*", "*/", {kDouble},
         "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type union unsafe use where while",
         "bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize String Vec Option Result Box Rc Arc HashMap Some None Ok Err", '#'},
        {"Go go golang", "//", "/*", "*/", {kDouble, kSingle, {"`", "`", false, true}},
         "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var true false nil iota",
         "any bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr", 0},
        {"Java java", "//", "/*", "*/", {kTripleDouble, kDouble, kSingle},
         "abstract assert break case catch class const continue default do else enum extends final finally for goto if implements import instanceof interface native new package private protected public record return sealed static strictfp super switch synchronized this throw throws transient try var volatile while yield true false null",
         "boolean byte char double float int long short void String Object Integer Long Double List Map Set Optional Override", '@'},
        {"Kotlin kotlin kt kts", "//", "/*", "*/", {kTripleDouble, kDouble, kSingle},
         "as break by class companion continue data do else enum false finally for fun if import in init inline interface internal is lateinit null object open operator out override package private protected public return sealed super suspend this throw true try typealias val var when where while",
         "Any Boolean Byte Char Double Float Int Long Short String Unit List Map Set", '@'},
        {"C# csharp cs c#", "//", "/*", "*/", {kTripleDouble, kDouble, kSingle},
         "abstract as async await base break case catch checked class const continue default delegate do else enum event explicit extern false finally fixed for foreach get goto if implicit in interface internal is lock namespace new null operator out override params private protected public readonly record ref return sealed set sizeof static struct switch this throw true try typeof unchecked unsafe using var virtual volatile when where while yield",
         "bool byte char decimal double dynamic float int long object sbyte short string uint ulong ushort void Task List Dictionary", '#'},
        {"Swift swift", "//", "/*", "*/", {kTripleDouble, kDouble},
         "actor as associatedtype async await break case catch class continue default defer do else enum extension fallthrough false fileprivate for func guard if import in init inout internal is let nil open operator override private protocol public repeat rethrows return self Self static struct subscript super switch throw throws true try typealias var where while",
         "Any Array Bool Character Dictionary Double Float Int Optional Set String Void", '@'},
        {"PHP php", "// #", "/*", "*/", {kDouble, kSingle},
         "abstract and array as break case catch class clone const continue declare default do echo else elseif empty enum extends final finally fn for foreach function global if implements include instanceof interface isset list match namespace new null or print private protected public readonly require require_once return static switch throw trait true false try unset use var while yield",
         "bool float int iterable mixed object string void", '$'},
        {"Ruby ruby rb", "#", "", "", {kDouble, kSingle},
         "alias and begin break case class def defined? do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield require attr_accessor attr_reader puts",
         "Array Float Hash Integer Object String Symbol", '@'},
        {"Lua lua", "--", "--[[", "]]", {kDouble, kSingle},
         "and break do else elseif end false for function goto if in local nil not or repeat return then true until while", "string table math io os", 0},
        {"Shell bash sh shell zsh console fish", "#", "", "", {{"\"", "\"", true, true}, {"'", "'", false, true}},
         "if then else elif fi for while until do done case esac in function return break continue export local readonly declare set unset source alias exit trap eval exec shift",
         "cd echo cat grep sed awk find ls rm cp mv mkdir chmod chown sudo apt apt-get git curl wget tar ssh python3 pip npm make cmake docker systemctl printf test read xargs sort head tail", '$', false, false, false, true},
        {"PowerShell powershell ps1", "#", "<#", "#>", {kDouble, {"'", "'", false, false}},
         "begin break catch continue do else elseif end finally for foreach function if in param process return switch throw try until while", "", '$', true, false, false, true},
        {"JSON json json5 jsonc", "//", "/*", "*/", {kDouble}, "true false null", "", 0, false, false, false},
        {"YAML yaml yml", "#", "", "", {kDouble, kSingle}, "true false null yes no on off", "", '&', false, false, false, true},
        {"TOML toml ini conf cfg", "# ;", "", "", {kTripleDouble, kTripleSingle, kDouble, kSingle}, "true false", "", 0, false, false, false},
        {"SQL sql sqlite postgresql mysql", "--", "/*", "*/", {{"'", "'", false, true}, {"\"", "\"", false, false}},
         "add all alter and as asc begin between by case cast check collate column commit constraint create cross default delete desc distinct drop else end except exists explain foreign from full group having if in index inner insert intersect into is join key left like limit not null offset on or order outer over partition pragma primary references replace returning right rollback select set table then trigger union unique update using values view when where with",
         "bigint blob boolean char date decimal double float int integer json numeric real serial text timestamp varchar", 0, true},
        {"HTML html xml svg xhtml vue htm", "", "<!--", "-->", {kDouble, kSingle}, "", "", '&', true, true, false, true},
        {"CSS css scss sass less", "//", "/*", "*/", {kDouble, kSingle},
         "important inherit initial unset none auto block inline flex grid absolute relative fixed sticky static solid dashed center left right top bottom bold normal hidden visible transparent", "px em rem vh vw fr deg ms", '@', false, false, true, true},
        {"Dockerfile dockerfile docker", "#", "", "", {kDouble, kSingle},
         "from run cmd label expose env add copy entrypoint volume user workdir arg onbuild stopsignal healthcheck shell as", "", '$', true, false, false, true},
        {"Makefile makefile make", "#", "", "", {kDouble, kSingle}, "ifeq ifneq ifdef ifndef else endif include define endef export override", "", '$', false, false, false, true},
        {"CMake cmake", "#", "#[[", "]]", {kDouble},
         "if elseif else endif foreach endforeach while endwhile function endfunction macro endmacro return set unset option include find_package add_executable add_library target_link_libraries", "ON OFF TRUE FALSE PUBLIC PRIVATE INTERFACE STATIC SHARED REQUIRED", '$', false},
        {"R r", "#", "", "", {kDouble, kSingle}, "if else repeat while function for next break TRUE FALSE NULL NA Inf in library return", "", 0},
        {"Haskell haskell hs", "--", "{-", "-}", {kDouble}, "case class data deriving do else if import in infix instance let module newtype of then type where", "Int Integer Double Bool Char String Maybe Either IO", 0},
        {"Diff diff patch", "", "", "", {}, "", "", 0, false, false, false},
    };
    return table;
}
// clang-format on

QSet<QString> wordSet(const char* words) {
    const QStringList list = QString::fromLatin1(words).split(' ', Qt::SkipEmptyParts);
    return {list.begin(), list.end()};
}

constexpr int kBlockComment = 1;
constexpr int kInTag = 2;
constexpr int kFirstQuote = 8;

}  // namespace

struct LanguageSpec {
    const Row* row = nullptr;
    QString label;
    QStringList lineComments;
    QString blockOpen;
    QString blockClose;
    struct Delimiters {
        QString open;
        QString close;
    };
    std::vector<Delimiters> quotes;
    QSet<QString> keywords;
    QSet<QString> types;
};

namespace {

const QHash<QString, const LanguageSpec*>& languages() {
    static const QHash<QString, const LanguageSpec*> all = [] {
        QHash<QString, const LanguageSpec*> byName;
        static std::vector<LanguageSpec> specs;
        specs.reserve(rows().size());
        for (const Row& row : rows()) {
            const QStringList names = QString::fromLatin1(row.names).split(' ');
            LanguageSpec spec;
            spec.row = &row;
            spec.label = names.front();
            spec.lineComments =
                QString::fromLatin1(row.lineComments).split(' ', Qt::SkipEmptyParts);
            spec.blockOpen = QString::fromLatin1(row.blockOpen);
            spec.blockClose = QString::fromLatin1(row.blockClose);
            for (const Quote& quote : row.quotes) {
                spec.quotes.push_back(
                    {QString::fromLatin1(quote.open), QString::fromLatin1(quote.close)});
            }
            spec.keywords = wordSet(row.keywords);
            spec.types = wordSet(row.types);
            specs.push_back(std::move(spec));
            for (const QString& name : names) byName.insert(name.toLower(), &specs.back());
        }
        return byName;
    }();
    return all;
}

/// One line being read.
class LineLexer {
public:
    LineLexer(const LanguageSpec& language, QStringView line, std::vector<CodeToken>& tokens)
        : m_language(language), m_row(*language.row), m_line(line), m_tokens(tokens) {}

    int run(int state) {
        if (m_language.label == QLatin1String("Diff")) return diff();
        m_inTag = state == kInTag;
        if (state == kBlockComment && !finishComment(0)) return kBlockComment;
        if (state >= kFirstQuote) {
            const auto quote = static_cast<std::size_t>(state - kFirstQuote);
            if (quote < m_row.quotes.size() && !finishQuote(0, 0, quote)) return state;
        }
        while (m_at < m_line.size()) {
            const int open = step();
            if (open) return open;
        }
        return m_inTag ? kInTag : 0;
    }

private:
    [[nodiscard]] bool startsWith(const QString& what, qsizetype at) const {
        return !what.isEmpty() && m_line.mid(at).startsWith(what);
    }
    void add(qsizetype start, qsizetype end, TokenKind kind) {
        if (end > start) m_tokens.push_back({start, end - start, kind});
    }

    int diff() {
        if (m_line.startsWith(u'+')) add(0, m_line.size(), TokenKind::String);
        if (m_line.startsWith(u'-')) add(0, m_line.size(), TokenKind::Keyword);
        if (m_line.startsWith(u'@')) add(0, m_line.size(), TokenKind::Meta);
        return 0;
    }

    /// From `start`, inside a block comment; false: it goes on in the next line.
    bool finishComment(qsizetype start) {
        const qsizetype body = start + (start == m_at && m_open ? m_language.blockOpen.size() : 0);
        const qsizetype close = m_line.indexOf(m_language.blockClose, body);
        m_at = close < 0 ? m_line.size() : close + m_language.blockClose.size();
        add(start, m_at, TokenKind::Comment);
        return close >= 0;
    }

    bool finishQuote(qsizetype start, qsizetype from, std::size_t index) {
        const Quote& quote = m_row.quotes[index];
        const QString& close = m_language.quotes[index].close;
        qsizetype at = from;
        while (at < m_line.size()) {
            if (quote.escapes && m_line[at] == u'\\') {
                at += 2;
            } else if (startsWith(close, at)) {
                m_at = at + close.size();
                // A JSON or YAML key reads better unlike its value.
                const bool key = m_language.label == QLatin1String("JSON") &&
                                 m_line.mid(m_at).trimmed().startsWith(u':');
                add(start, m_at, key ? TokenKind::Type : TokenKind::String);
                return true;
            } else {
                ++at;
            }
        }
        m_at = m_line.size();
        add(start, m_at, TokenKind::String);
        return !quote.lines;
    }

    /// Reads one token at m_at; returns what stays open at the line's end, 0 for nothing.
    int step() {
        const QChar c = m_line[m_at];
        if (startsWith(m_language.blockOpen, m_at)) {
            m_open = true;
            const bool closed = finishComment(m_at);
            m_open = false;
            return closed ? 0 : kBlockComment;
        }
        for (const QString& comment : m_language.lineComments) {
            // "#" begins a comment at the line's beginning or after a blank only ("$#" does not).
            const bool word =
                comment == QLatin1String("#") && m_at > 0 && !m_line[m_at - 1].isSpace();
            if (!word && startsWith(comment, m_at)) {
                add(m_at, m_line.size(), TokenKind::Comment);
                m_at = m_line.size();
                return 0;
            }
        }
        if (m_row.markup && !m_inTag) return markup();
        for (std::size_t i = 0; i < m_language.quotes.size(); ++i) {
            if (!startsWith(m_language.quotes[i].open, m_at)) continue;
            const qsizetype start = m_at;
            const bool closed = finishQuote(start, start + m_language.quotes[i].open.size(), i);
            return closed ? 0 : kFirstQuote + static_cast<int>(i);
        }
        if (m_row.markup && c == u'>') {
            m_inTag = false;
            ++m_at;
            return 0;
        }
        if (m_row.meta && c == QLatin1Char(m_row.meta)) return meta();
        if (c.isDigit()) return number();
        if (c.isLetter() || c == u'_') return word();
        ++m_at;
        return 0;
    }

    int markup() {
        if (m_line[m_at] == u'<') {
            const qsizetype start = m_at++;
            while (m_at < m_line.size() && (m_line[m_at].isLetterOrNumber() ||
                                            QStringView(u"/!?-:_").contains(m_line[m_at])))
                ++m_at;
            add(start + 1, m_at, TokenKind::Keyword);
            m_inTag = true;
        } else if (m_line[m_at] == u'&') {
            return meta();
        } else {
            ++m_at;
        }
        return 0;
    }

    int meta() {
        const qsizetype start = m_at++;
        if (m_at < m_line.size() && (m_line[m_at] == u'{' || m_line[m_at] == u'(')) ++m_at;
        while (m_at < m_line.size() &&
               (m_line[m_at].isLetterOrNumber() || m_line[m_at] == u'_' || m_line[m_at] == u'.'))
            ++m_at;
        if (m_at < m_line.size() && m_line[m_at] == u'}') ++m_at;
        add(start, m_at, TokenKind::Meta);
        return 0;
    }

    int number() {
        const qsizetype start = m_at;
        while (m_at < m_line.size() &&
               (m_line[m_at].isLetterOrNumber() || m_line[m_at] == u'.' || m_line[m_at] == u'_'))
            ++m_at;
        add(start, m_at, TokenKind::Number);
        return 0;
    }

    int word() {
        const qsizetype start = m_at;
        while (m_at < m_line.size() && (m_line[m_at].isLetterOrNumber() || m_line[m_at] == u'_' ||
                                        (m_row.dashWords && m_line[m_at] == u'-')))
            ++m_at;
        QString text = m_line.mid(start, m_at - start).toString();
        if (m_row.ignoreCase) text = text.toLower();
        const QStringView rest = m_line.mid(m_at);
        const bool isCall = m_row.functions && (rest.startsWith(u'(') || rest.startsWith(u"!("));
        if (!m_row.markup && m_language.keywords.contains(text)) {
            add(start, m_at, TokenKind::Keyword);
        } else if (m_row.markup || m_language.types.contains(text) || (!isCall && isKey(rest))) {
            add(start, m_at, TokenKind::Type);
        } else if (isCall) {
            add(start, m_at, TokenKind::Function);
        }
        return 0;
    }

    [[nodiscard]] bool isKey(QStringView rest) const {
        if (m_language.label == QLatin1String("YAML") || m_language.label == QLatin1String("CSS")) {
            return rest.startsWith(u':');
        }
        return m_language.label == QLatin1String("TOML") && rest.trimmed().startsWith(u'=');
    }

    const LanguageSpec& m_language;
    const Row& m_row;
    QStringView m_line;
    std::vector<CodeToken>& m_tokens;
    qsizetype m_at = 0;
    bool m_inTag = false;
    bool m_open = false;  ///< a comment's opening mark stands at m_at
};

}  // namespace

const LanguageSpec* findLanguage(const QString& name) {
    return languages().value(name.toLower(), nullptr);
}

QString languageLabel(const QString& name) {
    const QString lower = name.toLower();
    if (lower == QLatin1String("c") || lower == QLatin1String("h")) return QStringLiteral("C");
    if (lower == QLatin1String("ts") || lower == QLatin1String("tsx") ||
        lower == QLatin1String("typescript")) {
        return QStringLiteral("TypeScript");
    }
    if (lower == QLatin1String("xml") || lower == QLatin1String("svg")) return lower.toUpper();
    const LanguageSpec* language = findLanguage(name);
    return language ? language->label : name;
}

int lexLine(const LanguageSpec& language, QStringView line, int state,
            std::vector<CodeToken>& tokens) {
    return LineLexer(language, line, tokens).run(state);
}

}  // namespace conclave::ui
