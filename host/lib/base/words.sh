# Words and lines, without processes. Sets SORTED, FIELDS.

# sort_words WORD...: SORTED, by insertion (a handful of words; a process would cost more).
declare -a SORTED=()
sort_words() {
  local word
  local -i i
  SORTED=()
  for word in "$@"; do
    for ((i = ${#SORTED[@]}; i > 0; i--)); do
      [[ ${SORTED[i - 1]} > $word ]] || break
      SORTED[i]=${SORTED[i - 1]}
    done
    SORTED[i]=$word
  done
}

# split_tabs LINE: FIELDS, empty ones kept (read folds tabs).
declare -a FIELDS=()
split_tabs() {
  local tail=$1
  FIELDS=()
  while [[ $tail == *$'\t'* ]]; do
    FIELDS+=("${tail%%$'\t'*}")
    tail=${tail#*$'\t'}
  done
  FIELDS+=("$tail")
}

# first_line FILE: REPLY, empty where there is none.
first_line() {
  REPLY=
  [[ ! -r $1 ]] || IFS= read -r REPLY <"$1" || :
}

# text_of FILE: REPLY is all of it. It holds no NUL.
text_of() {
  REPLY=
  # The end of the file, where a NUL was asked for, is no failure; a file that cannot be opened is.
  { IFS= read -r -d '' REPLY || :; } <"$1"
}
