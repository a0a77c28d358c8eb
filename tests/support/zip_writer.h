// zip_writer.h: archives made in memory, for tests of DOCX, ODT and EPUB.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <zip.h>

namespace conclave::test {

/// The bytes of an archive with these entries; empty if libzip refuses.
inline std::string makeZip(const std::vector<std::pair<std::string, std::string>>& entries) {
    zip_error_t problem;
    zip_error_init(&problem);
    zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &problem);
    zip_source_keep(target);
    zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, &problem);
    for (const auto& [name, content] : entries) {
        zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
        zip_file_add(archive, name.c_str(), source, ZIP_FL_OVERWRITE);
    }
    std::string bytes;
    if (zip_close(archive) == 0 && zip_source_open(target) == 0) {
        zip_source_seek(target, 0, SEEK_END);
        bytes.resize(static_cast<std::size_t>(zip_source_tell(target)));
        zip_source_seek(target, 0, SEEK_SET);
        zip_source_read(target, bytes.data(), bytes.size());
        zip_source_close(target);
    }
    zip_source_free(target);
    zip_error_fini(&problem);
    return bytes;
}

}  // namespace conclave::test
