include(${CMAKE_CURRENT_LIST_DIR}/heddleTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/HeddlePlugin.cmake)
