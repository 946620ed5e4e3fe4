# Lists as systemd writes and reads them: words between blanks, in quotes where they hold some. Sets QUOTED, REPLY.

# split_quoted TEXT: QUOTED=(its words, without quotes and escapes).
declare -a QUOTED=()
split_quoted() {
  local text=$1 word='' begun=''
  local -i taken
  local plain=$'^[^\\\\"\' \t]+' double='^"(([^\"]|\\.)*)"' single="^'(([^\\']|\\\\.)*)'"
  QUOTED=()
  while [[ -n $text ]]; do
    if [[ $text =~ ^[[:blank:]]+ ]]; then
      taken=${#BASH_REMATCH[0]}
      [[ -z $begun ]] || QUOTED+=("$word")
      word='' begun=''
    else
      begun=yes taken=1
      if [[ $text =~ $plain ]]; then
        taken=${#BASH_REMATCH[0]} REPLY=${BASH_REMATCH[0]}
      elif [[ $text =~ $double || $text =~ $single ]]; then
        taken=${#BASH_REMATCH[0]}
        unescape_quoted "${BASH_REMATCH[1]}"
      elif [[ $text == \\?* ]]; then
        taken=2
        unescape_quoted "${text:0:2}"
      else
        REPLY=${text:0:1}
      fi
      word+=$REPLY
    fi
    text=${text:taken}
  done
  [[ -z $begun ]] || QUOTED+=("$word")
}

# unescape_quoted TEXT: REPLY; a tab or the end of a line is a blank to who looks for words.
unescape_quoted() {
  local text=$1 out=''
  while [[ $text == *\\?* ]]; do
    out+=${text%%\\*}
    text=${text#*\\}
    case $text in
      x[[:xdigit:]][[:xdigit:]]*)
        # shellcheck disable=SC2059 # the format is two hexadecimal digits
        printf -v REPLY "\\x${text:1:2}"
        out+=$REPLY
        text=${text:2}
        ;;
      [nt]*) out+=' ' ;;
      *) out+=${text:0:1} ;;
    esac
    text=${text:1}
  done
  REPLY=$out$text
}
