// ocr_row.h: the switch for reading text in pictures and scanned pages.
#pragma once

#include <QFrame>

#include "app/services/services.h"

class QLabel;
class QToolButton;

namespace conclave::ui {

class Switch;

class OcrRow : public QFrame {
    Q_OBJECT
public:
    OcrRow(services::Services& services, QWidget* parent);

    /// Asks what this machine can do and what is chosen.
    void reload();
    [[nodiscard]] bool isInstalled() const { return m_state.isInstalled; }
    [[nodiscard]] bool isOn() const { return !m_state.inUse.empty(); }
    /// Chooses the languages that suit the person, and has documents read anew.
    void turnOn();

signals:
    /// What isInstalled() and isOn() say.
    void stateChanged();

private:
    void show(const services::OcrState& state);
    void choose(const std::string& languages);
    void fillLanguages();

    services::Services& m_services;
    services::OcrState m_state;
    int m_nChoices = 0;  ///< made here
    Switch* m_switch;
    QLabel* m_hint;
    QToolButton* m_languages;
};

/// Languages to begin with among `installed`: English, that of `locale`, and Chinese for text that
/// mixes both; as "eng+chi_sim". The first installed one if none of these is.
[[nodiscard]] std::string suggestedOcrLanguages(const std::vector<std::string>& installed,
                                                const QString& locale);

/// "chi_sim" as a person calls it.
[[nodiscard]] QString ocrLanguageName(const std::string& language);

}  // namespace conclave::ui
