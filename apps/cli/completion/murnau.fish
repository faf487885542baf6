# fish completion for murnau, as `murnau completion fish` prints it. `murnau __complete` knows the candidates.

function __murnau_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l command (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l paths none
    for line in ($command __complete $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':*'
                set paths (string sub -s 2 -- $line)
            case '*'
                echo $line
        end
    end
    # Of --flag=path only the path is looked for.
    set -l flag (string match -r -- '^-[^=]*=' "$current")
    set -l typed (string replace -r -- '^-[^=]*=' '' "$current")
    switch $paths
        case files
            string replace -r -- '^' "$flag" (__fish_complete_path "$typed")
        case folders
            string replace -r -- '^' "$flag" (__fish_complete_directories "$typed")
    end
end

complete -c murnau -f -a '(__murnau_complete)'
