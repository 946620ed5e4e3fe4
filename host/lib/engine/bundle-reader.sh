# Reads the strict YAML subset of docs/bundle.md without eval and without a process per line.
# DIR/index gets one line per value: SECTION, ENTRY, FIELD, VALUE with the unit separator between them (fields may
# be empty, and read folds tabs); DIR/blobs/N the file contents.
# Between its functions: LINES_READ, LINE_NUMBER, KEY, REST, VALUE, INDEX, BLOBS.

malformed() { die "$EXIT_USAGE" "the bundle is malformed in line $((LINE_NUMBER + 1)): $1"; }

# read_key LINE: sets KEY and REST (what follows the colon, without the space).
read_key() {
  if [[ $1 =~ ^([A-Za-z0-9/._@+][A-Za-z0-9/._@*+-]*):(\ (.+))?$ ]]; then
    KEY=${BASH_REMATCH[1]} REST=${BASH_REMATCH[3]}
  elif [[ $1 =~ ^\"(([^\"\\]|\\[\"\\])*)\":(\ (.+))?$ ]]; then
    KEY=${BASH_REMATCH[1]} REST=${BASH_REMATCH[4]}
    unescape "$KEY"
    KEY=$REPLY
  else
    malformed "\"$1\" is not KEY: or KEY: \"VALUE\""
  fi
}

unescape() {
  local text=$1 out=''
  while [[ $text == *\\* ]]; do
    out+=${text%%\\*}
    text=${text#*\\}
    out+=${text:0:1}
    text=${text:1}
  done
  REPLY=$out$text
}

# read_scalar REST: sets VALUE.
read_scalar() {
  [[ $1 =~ ^\"(([^\"\\]|\\[\"\\])*)\"$ ]] || malformed "$1 is not a double-quoted value"
  unescape "${BASH_REMATCH[1]}"
  VALUE=$REPLY
  [[ $VALUE != *[[:cntrl:]]* ]] || malformed "a value holds a control character"
}

# read_block: the literal block that starts after LINE_NUMBER; sets VALUE, moves LINE_NUMBER to its last line.
read_block() {
  local line
  VALUE=
  while ((LINE_NUMBER + 1 < ${#LINES_READ[@]})); do
    line=${LINES_READ[LINE_NUMBER + 1]}
    [[ -z $line || $line == '      '* ]] || break
    VALUE+=${line:6}$'\n'
    LINE_NUMBER+=1
  done
}

# add_value SECTION ENTRY FIELD VALUE
add_value() {
  local line
  printf -v line '%s\x1f%s\x1f%s\x1f%s\n' "$@"
  INDEX+=$line
}

# add_blob DIR TEXT: the content becomes a file, and the value its number.
add_blob() {
  write_new "$1/blobs/$BLOBS" "$2"
  KEY=blob VALUE=$BLOBS
  BLOBS+=1
}

# read_field DIR SECTION ENTRY LINE
read_field() {
  [[ -n $3 ]] || malformed "a field outside an entry"
  read_key "${4:4}"
  if [[ $REST == '|2+' ]]; then
    [[ $2 == @(files|json) && $KEY == content ]] || malformed "a block outside the content of a file"
    read_block
    add_blob "$1" "$VALUE"
  else
    read_scalar "$REST"
    if [[ $2 == @(files|json) && $KEY == content ]]; then
      [[ -z $VALUE ]] || malformed "content is a block, or empty"
      add_blob "$1" ''
    fi
  fi
  add_value "$2" "$3" "$KEY" "$VALUE"
}

# read_entry SECTION LINE: REPLY is the entry that fields may follow, if any.
read_entry() {
  local entry
  [[ -n $1 ]] || malformed "an entry outside a section"
  read_key "${2:2}"
  entry=$KEY
  [[ $entry != *[[:cntrl:]]* ]] || malformed "a key holds a control character"
  if [[ -n $REST ]]; then
    read_scalar "$REST"
    add_value "$1" "$entry" '' "$VALUE"
    entry=
  else
    add_value "$1" "$entry" '' ''
  fi
  REPLY=$entry
}

# read_bundle SPOOL DIR
read_bundle() {
  local spool=$1 dir=$2 section='' entry='' line ended='' KEY REST VALUE INDEX=''
  local -i LINE_NUMBER BLOBS=0
  local -a LINES_READ
  mapfile -t LINES_READ <"$spool"
  mkdir -p -- "$dir/blobs" || fail "the bundle cannot be stored in $dir"
  for ((LINE_NUMBER = 0; LINE_NUMBER < ${#LINES_READ[@]}; LINE_NUMBER++)); do
    line=${LINES_READ[LINE_NUMBER]}
    [[ -z $ended ]] || malformed "text after its end"
    case $line in
      'end: true') ended=1 ;;
      '    '[!\ ]*) read_field "$dir" "$section" "$entry" "$line" ;;
      '  '[!\ ]*)
        read_entry "$section" "$line"
        entry=$REPLY
        ;;
      [!\ ]*)
        read_key "$line"
        section=$KEY entry=
        if [[ -n $REST ]]; then
          read_scalar "$REST"
          add_value meta "$section" '' "$VALUE"
          section=
        fi
        ;;
      *) malformed "unexpected indentation" ;;
    esac
  done
  [[ -n $ended ]] || die "$EXIT_USAGE" "the bundle is truncated: its last line \"end: true\" is missing. Nothing was changed; run it again"
  write_new "$dir/index" "$INDEX"
}
