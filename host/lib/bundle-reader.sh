# Reads the strict YAML subset of docs/bundle.md without eval and without a process per line.
# DIR/index gets one line per value: SECTION, ENTRY, FIELD, VALUE with the unit separator between them (fields may
# be empty, and read folds tabs); DIR/blobs/N the file contents.

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

read_bundle() {
  local spool=$1 dir=$2 section='' entry='' line ended='' blobs=0
  local -i LINE_NUMBER
  local KEY REST VALUE
  local -a LINES_READ
  mapfile -t LINES_READ <"$spool"
  mkdir -p "$dir/blobs"
  {
    for ((LINE_NUMBER = 0; LINE_NUMBER < ${#LINES_READ[@]}; LINE_NUMBER++)); do
      line=${LINES_READ[LINE_NUMBER]}
      [[ -z $ended ]] || malformed "text after its end"
      case $line in
        'end: true') ended=1 ;;
        '    '[!\ ]*)
          [[ -n $entry ]] || malformed "a field outside an entry"
          read_key "${line:4}"
          if [[ $REST == '|2+' ]]; then
            [[ $section == @(files|json) && $KEY == content ]] || malformed "a block outside the content of a file"
            read_block
            printf '%s' "$VALUE" >"$dir/blobs/$blobs"
            KEY=blob VALUE=$((blobs++))
          else
            read_scalar "$REST"
            if [[ $section == @(files|json) && $KEY == content ]]; then
              [[ -z $VALUE ]] || malformed "content is a block, or empty"
              : >"$dir/blobs/$blobs"
              KEY=blob VALUE=$((blobs++))
            fi
          fi
          printf '%s\x1f%s\x1f%s\x1f%s\n' "$section" "$entry" "$KEY" "$VALUE"
          ;;
        '  '[!\ ]*)
          [[ -n $section ]] || malformed "an entry outside a section"
          read_key "${line:2}"
          entry=$KEY
          [[ $entry != *[[:cntrl:]]* ]] || malformed "a key holds a control character"
          if [[ -n $REST ]]; then
            read_scalar "$REST"
            printf '%s\x1f%s\x1f\x1f%s\n' "$section" "$entry" "$VALUE"
            entry=
          else
            printf '%s\x1f%s\x1f\x1f\n' "$section" "$entry"
          fi
          ;;
        [!\ ]*)
          read_key "$line"
          section=$KEY entry=
          if [[ -n $REST ]]; then
            read_scalar "$REST"
            printf 'meta\x1f%s\x1f\x1f%s\n' "$section" "$VALUE"
            section=
          fi
          ;;
        *) malformed "unexpected indentation" ;;
      esac
    done
    [[ -n $ended ]] || die "$EXIT_USAGE" "the bundle is truncated: its last line \"end: true\" is missing. Nothing was changed; run it again"
  } >"$dir/index"
}
