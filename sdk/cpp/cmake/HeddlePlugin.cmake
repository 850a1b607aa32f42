# heddle_add_plugin(<name> SOURCES <files…> [LINKS <libraries…>])
#
# Builds <name>.so, a plugin whose only exported symbol is heddle_entry_v1, and <name>_objects, its object files for a unit test to link
# (with heddle::sdk and the fake host). Of C alone, it needs plugin-api alone and no C++. The plugin lands in <build>/plugins and is installed
# where heddle looks for plugins (component "plugins").
include_guard(GLOBAL)
include(GNUInstallDirs)

function(heddle_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "" "SOURCES;LINKS")
  if(NOT A_SOURCES OR A_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "heddle_add_plugin(${name}): needs SOURCES; not understood: \"${A_UNPARSED_ARGUMENTS}\"")
  endif()
  set(version_script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/heddle_plugin.map)
  set(language C)
  set(headers heddle::abi)
  foreach(source IN LISTS A_SOURCES)
    if(NOT source MATCHES "\\.[ch]$")
      set(language CXX)
      set(headers heddle::sdk)
    endif()
  endforeach()
  add_library(${name}_objects OBJECT ${A_SOURCES})
  set_target_properties(${name}_objects PROPERTIES POSITION_INDEPENDENT_CODE ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${name}_objects PUBLIC ${headers} ${A_LINKS})

  add_library(${name} MODULE)
  set_target_properties(${name} PROPERTIES PREFIX "" LINKER_LANGUAGE ${language} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins
    LINK_DEPENDS ${version_script})
  target_link_libraries(${name} PRIVATE ${name}_objects)
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${version_script} -Wl,-Bsymbolic-functions -Wl,--exclude-libs,ALL)
  if(NOT HEDDLE_SANITIZE)  # a sanitizer's runtime is in the program, so its symbols are undefined here
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/heddle/1 COMPONENT plugins)
endfunction()
