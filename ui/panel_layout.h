// panel_layout.h: the chats at the left, the page, the sources at the right, in the room there is.
#pragma once

#include <QByteArray>
#include <QWidget>

class QSplitter;

namespace conclave::ui {

/// Panels stand beside the page while it keeps enough room; else one that is asked for lies over
/// the page until it is closed.
class PanelLayout : public QWidget {
    Q_OBJECT
public:
    /// Takes the three over.
    PanelLayout(QWidget* sidebar, QWidget* page, QWidget* sources, QWidget* parent);

    /// Whether the panel stands beside the page where there is room.
    void setSidebarWanted(bool wanted);
    [[nodiscard]] bool isSidebarWanted() const { return m_sidebarWanted; }
    void setSourcesWanted(bool wanted);
    [[nodiscard]] bool areSourcesWanted() const { return m_sourcesWanted; }
    /// False while they have nothing to show.
    void setSourcesUseful(bool useful);

    /// Gives the sources the room of a page of paper, as long as the page beside keeps enough.
    void setReading(bool reads);

    /// What the person asks for, whatever the room.
    void toggleSidebar();
    void showSidebar();
    void toggleSources();
    void showSources();
    /// False: there was none.
    bool closeOverlay();
    [[nodiscard]] bool hasOverlay() const { return m_overlay != nullptr; }

    /// Widths of the panels, to be remembered.
    [[nodiscard]] QByteArray saveSizes() const { return m_sizes; }
    void restoreSizes(const QByteArray& sizes);

signals:
    /// Something was shown, hidden or dragged by the person.
    void changed();

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    class Scrim;

    [[nodiscard]] bool hasRoomForSources() const;
    [[nodiscard]] bool hasRoomForSidebar() const;
    [[nodiscard]] bool areSourcesBeside() const;
    void arrange();
    void dock(QWidget* panel, int index, bool isShown);
    void placeOverlay();
    void giveReadingRoom();

    QWidget* m_sidebar;
    QWidget* m_page;
    QWidget* m_sources;
    QSplitter* m_splitter;
    Scrim* m_scrim;
    QWidget* m_overlay = nullptr;
    QByteArray m_sizes;
    int m_readingWidth = 0;  ///< as the person dragged it; 0: chosen here
    bool m_reads = false;
    bool m_sidebarWanted = true;
    bool m_sourcesWanted = true;
    bool m_sourcesUseful = false;
};

}  // namespace conclave::ui
