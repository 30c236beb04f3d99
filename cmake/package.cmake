# What is installed beside the program, and the Debian package: cpack -G DEB
find_program(SCDOC scdoc)
if(SCDOC)
  foreach(page raingauge.1 raingauge.yaml.5)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/${page}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
      COMMAND sh -c "'${SCDOC}' < '${CMAKE_SOURCE_DIR}/packaging/man/${page}.scd' > '${CMAKE_BINARY_DIR}/man/${page}'"
      DEPENDS packaging/man/${page}.scd VERBATIM)
    list(APPEND man_pages ${CMAKE_BINARY_DIR}/man/${page})
  endforeach()
  add_custom_target(man ALL DEPENDS ${man_pages})
  install(FILES ${CMAKE_BINARY_DIR}/man/raingauge.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${CMAKE_BINARY_DIR}/man/raingauge.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
endif()
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/prometheus/alerts.yaml packaging/grafana/raingauge.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/monitoring)

if(RAINGAUGE_SYSTEM)
  install(FILES packaging/systemd/raingauge.service DESTINATION /usr/lib/systemd/system)
  install(FILES packaging/raingauge.yaml DESTINATION /etc/raingauge)
  install(FILES packaging/debian/default DESTINATION /etc/default RENAME raingauge
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "raingauge maintainers <raingauge@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "log-tailing collector agent for Raindrop")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst;${CMAKE_SOURCE_DIR}/packaging/debian/prerm;${CMAKE_SOURCE_DIR}/packaging/debian/postrm;${CMAKE_SOURCE_DIR}/packaging/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
