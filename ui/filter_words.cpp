#include "ui/filter_words.h"

#include <QCoreApplication>
#include <QStringList>
#include <string_view>

#include "ui/bridge.h"

namespace conclave::ui {

namespace {

constexpr std::string_view kSigns = "*?/";

QString translated(const char* text) { return QCoreApplication::translate("Filter", text); }

/// "lease" of "*lease*"; none for other patterns.
std::string_view plainWord(std::string_view pattern) {
    if (pattern.size() < 3 || !pattern.starts_with('*') || !pattern.ends_with('*')) return {};
    const std::string_view word = pattern.substr(1, pattern.size() - 2);
    return word.find_first_of(kSigns) == std::string_view::npos ? word : std::string_view();
}

}  // namespace

QString typesInWords(const services::DocumentFilter& filter) {
    QStringList types;
    for (const std::string& type : filter.types) {
        const QString name = fromUtf8(type);
        types << (name.startsWith(QLatin1Char('.')) ? name.mid(1) : name).toUpper();
    }
    return types.join(QStringLiteral(", "));
}

QString daysInWords(const services::DocumentFilter& filter) {
    const QString since = fromUtf8(filter.since);
    const QString until = fromUtf8(filter.until);
    if (since.isEmpty() && until.isEmpty()) return {};
    if (until.isEmpty()) return translated("since %1").arg(since);
    if (since.isEmpty()) return translated("until %1").arg(until);
    return translated("%1 to %2").arg(since, until);
}

QString nameInWords(const std::string& pattern) {
    const std::string_view word = plainWord(pattern);
    return word.empty() ? fromUtf8(pattern) : translated("“%1”").arg(fromUtf8(std::string(word)));
}

QString inWords(const services::DocumentFilter& filter) {
    QStringList parts{typesInWords(filter), daysInWords(filter)};
    for (const std::string& pattern : filter.files) parts << nameInWords(pattern);
    parts.removeAll(QString());
    return parts.join(QStringLiteral(" · "));
}

std::vector<std::string> patternsOf(const QString& typed) {
    std::vector<std::string> patterns;
    for (const QString& part : typed.split(QLatin1Char(';'))) {
        const std::string name = part.trimmed().toStdString();
        if (name.empty()) continue;
        const bool isPattern = name.find_first_of(kSigns) != std::string::npos;
        patterns.push_back(isPattern ? name : '*' + name + '*');
    }
    return patterns;
}

QString typedOf(const std::vector<std::string>& patterns) {
    QStringList typed;
    for (const std::string& pattern : patterns) {
        const std::string_view word = plainWord(pattern);
        typed << fromUtf8(word.empty() ? pattern : std::string(word));
    }
    return typed.join(QStringLiteral("; "));
}

}  // namespace conclave::ui
