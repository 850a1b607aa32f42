# SPDX-License-Identifier: Apache-2.0
# Completion for fish: what may come next, heddle itself says.
function __heddle_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l candidates ($words[1] complete -- $words[2..-1] 2>/dev/null)
    if test "$candidates[1]" = ":"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $candidates
    end
end
complete -c heddle -f -a '(__heddle_complete)'
