#include "ui/widgets/ocr_row.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QMenu>
#include <QStringList>
#include <QToolButton>
#include <algorithm>
#include <array>

#include "ui/bridge.h"
#include "ui/widgets/small_widgets.h"
#include "ui/widgets/switch.h"

namespace conclave::ui {

namespace {

struct OcrLanguage {
    const char* code;    ///< tesseract's
    const char* locale;  ///< as QLocale::name() begins
    const char* name;
};

constexpr std::array<OcrLanguage, 16> kOcrLanguages = {{{"eng", "en", "English"},
                                                        {"chi_sim", "zh_CN", "简体中文"},
                                                        {"chi_tra", "zh_TW", "繁體中文"},
                                                        {"jpn", "ja", "日本語"},
                                                        {"kor", "ko", "한국어"},
                                                        {"deu", "de", "Deutsch"},
                                                        {"fra", "fr", "Français"},
                                                        {"spa", "es", "Español"},
                                                        {"ita", "it", "Italiano"},
                                                        {"por", "pt", "Português"},
                                                        {"nld", "nl", "Nederlands"},
                                                        {"pol", "pl", "Polski"},
                                                        {"rus", "ru", "Русский"},
                                                        {"ukr", "uk", "Українська"},
                                                        {"tur", "tr", "Türkçe"},
                                                        {"vie", "vi", "Tiếng Việt"}}};

QStringList codesIn(const std::string& languages) {
    return fromUtf8(languages).split(QLatin1Char('+'), Qt::SkipEmptyParts);
}

}  // namespace

QString ocrLanguageName(const std::string& language) {
    for (const OcrLanguage& known : kOcrLanguages) {
        if (language == known.code) return QString::fromUtf8(known.name);
    }
    return fromUtf8(language);
}

std::string suggestedOcrLanguages(const std::vector<std::string>& installed,
                                  const QString& locale) {
    std::string chosen;
    for (const OcrLanguage& known : kOcrLanguages) {
        const std::string code = known.code;
        const bool isInstalled =
            std::find(installed.begin(), installed.end(), code) != installed.end();
        const bool suits = code == "eng" || code == "chi_sim" ||
                           locale.startsWith(QString::fromLatin1(known.locale));
        if (isInstalled && suits) chosen += (chosen.empty() ? "" : "+") + code;
    }
    return chosen.empty() && !installed.empty() ? installed.front() : chosen;
}

OcrRow::OcrRow(services::Services& services, QWidget* parent)
    : QFrame(parent),
      m_services(services),
      m_switch(new Switch(tr("Read scanned pages"), this)),
      m_hint(makeLabel({}, TextSize::Small, this, true)),
      m_languages(new QToolButton(this)) {
    setObjectName(QStringLiteral("card"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 12, 14, 12);
    row->setSpacing(12);
    auto* words = new QVBoxLayout;
    words->setSpacing(3);
    words->addWidget(makeLabel(tr("Read scanned pages and pictures (OCR)"), TextSize::Body, this,
                               false, QFont::DemiBold));
    m_hint->setWordWrap(true);
    m_hint->setTextInteractionFlags(Qt::TextSelectableByMouse);
    words->addWidget(m_hint);
    row->addLayout(words, 1);
    m_languages->setProperty("chip", true);
    m_languages->setPopupMode(QToolButton::InstantPopup);
    m_languages->setMenu(new QMenu(m_languages));
    m_languages->setCursor(Qt::PointingHandCursor);
    m_languages->hide();
    onTheme(m_languages, [this] { m_languages->setFont(Theme::instance().font(TextSize::Small)); });
    connect(m_languages->menu(), &QMenu::aboutToShow, this, &OcrRow::fillLanguages);
    row->addWidget(m_languages);
    row->addWidget(m_switch);
    connect(m_switch, &QCheckBox::clicked, this, [this](bool on) {
        if (on) {
            turnOn();
        } else {
            choose({});
        }
    });
    show({});
    reload();
}

void OcrRow::reload() {
    // An answer from before a choice would undo what the person sees.
    m_services.ocr(onGui<services::OcrState>(
        this, [this, nChoices = m_nChoices](const Result<services::OcrState>& state) {
            if (state && nChoices == m_nChoices) show(*state);
        }));
}

void OcrRow::show(const services::OcrState& state) {
    m_state = state;
    const bool canRead = state.isInstalled && !state.languages.empty();
    m_switch->setEnabled(canRead || isOn());
    m_switch->setChecked(isOn());
    if (!canRead) {
        m_hint->setText(
            tr("This needs the program tesseract, which is not installed. On Debian "
               "and Ubuntu:  sudo apt install tesseract-ocr tesseract-ocr-chi-sim"));
    } else if (isOn()) {
        m_hint->setText(
            tr("Pages that are pictures without text are read too. That takes some "
               "seconds a page, once."));
    } else {
        m_hint->setText(
            tr("Pages that are pictures without text are left out. Reading them takes "
               "some seconds a page, once, and happens on this computer."));
    }
    QStringList names;
    for (const QString& code : codesIn(state.inUse)) names << ocrLanguageName(code.toStdString());
    m_languages->setText(names.join(QStringLiteral(", ")));
    m_languages->setAccessibleName(tr("Languages: %1").arg(m_languages->text()));
    m_languages->setToolTip(tr("Languages that are recognised"));
    m_languages->setVisible(isOn());
    emit stateChanged();
}

void OcrRow::turnOn() { choose(suggestedOcrLanguages(m_state.languages, QLocale().name())); }

void OcrRow::choose(const std::string& languages) {
    ++m_nChoices;
    services::OcrState next = m_state;
    next.inUse = languages;
    show(next);
    const std::string key(services::kOcrSetting);
    m_services.setSetting(key, languages);
    // Its answer comes after the setting is stored, which the next update looks at.
    using Value = std::optional<nlohmann::json>;
    m_services.setting(key, onGui<Value>(this, [this](const Result<Value>&) {
                           m_services.collections().updateAll();
                       }));
}

void OcrRow::fillLanguages() {
    QMenu* menu = m_languages->menu();
    menu->clear();
    const QStringList chosen = codesIn(m_state.inUse);
    for (const std::string& language : m_state.languages) {
        const QString code = fromUtf8(language);
        QAction* action = menu->addAction(ocrLanguageName(language));
        action->setCheckable(true);
        action->setChecked(chosen.contains(code));
        connect(action, &QAction::triggered, this, [this, code, chosen](bool on) {
            QStringList next = chosen;
            next.removeAll(code);
            if (on) next << code;
            if (!next.isEmpty()) choose(next.join(QLatin1Char('+')).toStdString());
        });
    }
}

}  // namespace conclave::ui
