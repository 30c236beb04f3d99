# cmake -DOUT=presets.c -DFILES=conf/presets/*.yaml -DTABLE=preset -DHEADER=presets.h [-DWHOLE_NAMES=ON] -P embed.cmake
# Writes the files as a table of C, `const struct TABLE TABLEs[]`, each {name, text}; names go without what stands behind
# their first dot unless WHOLE_NAMES is on.
file(GLOB files LIST_DIRECTORIES false "${FILES}")
list(SORT files)
set(texts "")
set(rows "")
set(count 0)
foreach(file IN LISTS files)
  if(WHOLE_NAMES)
    get_filename_component(name "${file}" NAME)
  else()
    get_filename_component(name "${file}" NAME_WE)
  endif()
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
  string(APPEND texts "static const unsigned char text_${count}[] = {\n${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", {(const char *)text_${count}, sizeof text_${count} - 1}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"${HEADER}\"\n${texts}const struct ${TABLE} ${TABLE}s[] = {\n${rows}    {\"\", {\"\", 0}},\n};\n\
const size_t ${TABLE}_count = ${count};\n")
