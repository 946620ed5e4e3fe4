# Who only looks is answered here: all that changes a host stands below, and bash would read it for nothing, twice as long as
# it has read so far. This file is replaced by renames, so what is open stays what it was.

answer_look() {
  case ${1-} in
    status)
      [[ $* == 'status --json' ]] || wrong_usage
      status_json
      ;;
    verify)
      become_root "$@"
      check_host
      verify "${@:2}"
      ;;
    *) return 0 ;;
  esac
  exit "$STATUS"
}

answer_look "$@"
