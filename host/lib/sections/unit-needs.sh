# What a service needs of the host's files, by its unit as it is: its program and where it starts, what its arguments and
# variables name, and where programs that are known for it write without being told.
# Reads COMMANDS, VARIABLES, VARIABLE_FROM, UNIT_IS, PATH_KIND; sets NEEDS, NEED_HOW, NEED_WHERE, REPLY.

# The tables of components/cgroup-service/named-paths.ts, which says where they come from; a test holds the two together.
readonly WRITTEN_VARIABLES=' CUDA_CACHE_PATH HF_ASSETS_CACHE HF_DATASETS_CACHE HF_HOME HF_HUB_CACHE HF_XET_CACHE HUGGINGFACE_HUB_CACHE LLAMA_CACHE OLLAMA_MODELS TMPDIR TORCHINDUCTOR_CACHE_DIR TORCH_HOME TRANSFORMERS_CACHE TRITON_CACHE_DIR VLLM_CACHE_ROOT XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR XDG_STATE_HOME '
readonly SEARCHED_VARIABLES=' HOME INFOPATH MANPATH OLDPWD PATH PWD XDG_CONFIG_DIRS XDG_DATA_DIRS '
readonly WRITTEN_OPTIONS=' --cache-dir --download-dir --huggingface-hub-cache --slot-save-path '
# Options that name a model; what others name in a folder for temporary files may be made by the service itself.
readonly MODEL_OPTIONS=' -m --model -md --model-draft --models-dir --mmproj '

# NEEDS=(paths, each once), NEED_HOW[PATH]: program, folder (where it starts), model, read, or write; NEED_WHERE[PATH], in words.
declare -a NEEDS=()
declare -A NEED_HOW=() NEED_WHERE=()

# add_need PATH HOW WHERE: to write is more than to read.
add_need() {
  local path=$1
  while [[ $path == *//* ]]; do path=${path//\/\//\/}; done
  [[ $path == / ]] || path=${path%/}
  if [[ -z ${NEED_HOW[$path]-} ]]; then
    NEEDS+=("$path")
  elif [[ $2 != write || ${NEED_HOW[$path]} == write ]]; then
    return 0
  fi
  NEED_HOW[$path]=$2 NEED_WHERE[$path]=$3
}

# A path that was found in a text, until it is known which reading of it is there.
declare -a FOUND_TAILS=() FOUND_HOW=() FOUND_WHERE=()

# collect_needs: of the service that was read.
collect_needs() {
  local line name i
  local -a readings=()
  NEEDS=() NEED_HOW=() NEED_WHERE=() FOUND_TAILS=() FOUND_HOW=() FOUND_WHERE=()
  for line in "${COMMANDS[@]}"; do
    split_tabs "$line"
    add_need "${FIELDS[1]}" program "the program of ${FIELDS[0]}="
    program_of "${FIELDS[1]}" "${FIELDS[2]}"
    [[ $REPLY != /* ]] || add_need "$REPLY" program "the program of ${FIELDS[0]}="
    # Behind the program's own name.
    [[ ${FIELDS[2]} != *[[:blank:]]* ]] || find_in "${FIELDS[2]#*[[:blank:]]}" "${FIELDS[0]}="
  done
  need_working_folder
  sort_words "${!VARIABLES[@]}"
  for name in "${SORTED[@]}"; do
    [[ $SEARCHED_VARIABLES != *" $name "* ]] || continue
    if [[ $WRITTEN_VARIABLES != *" $name "* ]]; then
      find_in "${VARIABLES[$name]}" "$name in ${VARIABLE_FROM[$name]}"
    elif [[ ${VARIABLES[$name]} == /* ]]; then
      add_need "${VARIABLES[$name]}" write "$name in ${VARIABLE_FROM[$name]}"
    fi
  done
  for name in "${FOUND_TAILS[@]}"; do
    readings_of "$name"
    readings+=("${READINGS[@]}")
  done
  look_up "${NEEDS[@]}" "${readings[@]}"
  for i in "${!FOUND_TAILS[@]}"; do
    path_of_tail "${FOUND_TAILS[i]}"
    add_need "$REPLY" "${FOUND_HOW[i]}" "${FOUND_WHERE[i]}"
  done
  need_homes
  look_up "${NEEDS[@]}"
}

# find_in TEXT WHERE
find_in() {
  local i how option
  find_paths "$1"
  for i in "${!TAILS[@]}"; do
    option=${TAIL_OPTIONS[i]} how=read
    if [[ -n $option && $WRITTEN_OPTIONS == *" $option "* ]]; then
      how='write'
    elif [[ -n $option && $MODEL_OPTIONS == *" $option "* ]]; then
      how=model
    fi
    FOUND_TAILS+=("${TAILS[i]}") FOUND_HOW+=("$how") FOUND_WHERE+=("${option:+$option in }$2")
  done
}

# need_working_folder: "!" says that it may be missing, "~" is the home of its user.
need_working_folder() {
  local folder=${UNIT_IS[WorkingDirectory]-}
  folder=${folder#!}
  if [[ $folder == '~' ]]; then
    home_of_user
    folder=$REPLY
  fi
  [[ $folder != /* ]] || add_need "$folder" folder WorkingDirectory=
}

# home_of_user: REPLY is the home of the user that the unit names, if it names one.
home_of_user() {
  local user=${UNIT_IS[User]-} line
  REPLY=
  [[ -n $user && ${UNIT_IS[DynamicUser]-} != yes ]] || return 0
  # The unit may name one that there is not yet.
  line=$(getent passwd -- "$user") || return 0
  IFS=: read -r _ _ _ _ _ REPLY _ <<<"$line"
}

# need_homes: where programs write below their HOME when nobody has told them another place.
need_homes() {
  local home=${VARIABLES[HOME]-} whose=HOME line program
  if [[ -z $home ]]; then
    home_of_user
    home=$REPLY whose="the home of its user ${UNIT_IS[User]-}"
  fi
  # Without one they have nowhere to write as it is.
  [[ $home == /?* ]] || return 0
  look_up "$home"
  [[ ${PATH_KIND[$home]} == folder ]] || return 0
  for line in "${COMMANDS[@]}"; do
    split_tabs "$line"
    program_of "${FIELDS[1]}" "${FIELDS[2]}"
    program=${REPLY##*/}
    writes_at_home "$program" "${FIELDS[2]}"
    [[ -z $REPLY ]] || add_need "$home/$REPLY" write "where $program writes in $whose"
  done
}

# program_of PATH ARGUMENTS: REPLY is the program; env's and a Python script's is the one that they run.
program_of() {
  local word
  local -a words
  REPLY=$1
  [[ ${REPLY##*/} == env || ${REPLY##*/} == python* ]] || return 0
  read -r -a words <<<"${2#*[[:blank:]]}"
  for word in "${words[@]}"; do
    [[ $word != -* && $word != *=* ]] || continue
    REPLY=$word
    return
  done
}

# writes_at_home PROGRAM ARGUMENTS: REPLY is the folder below its HOME, if it writes there as it is called. Ollama keeps its key
# there, whatever OLLAMA_MODELS says, and its models without that; llama.cpp what it fetches by itself, and vLLM and
# text-generation-inference, by huggingface_hub, everything.
writes_at_home() {
  local cache="${VARIABLES[XDG_CACHE_HOME]-}"
  REPLY=
  case "$1 $2 " in
    'ollama '*' serve '*) REPLY=.ollama ;;
    'llama-'*' '*)
      cache+=${VARIABLES[LLAMA_CACHE]-}
      [[ -n $cache || " $2 ${VARIABLES[LLAMA_ARG_HF_REPO]+-hf }${VARIABLES[LLAMA_ARG_MODEL_URL]+-mu }" != *' '@(-hf|-hfr|--hf-repo|-hfd|--hf-repo-draft|-mu|--model-url)[=\ ]* ]] || REPLY=.cache
      ;;
    'vllm'[.\ ]* | 'text-generation-launcher '*)
      cache+=${VARIABLES[HF_HOME]-}${VARIABLES[HF_HUB_CACHE]-}${VARIABLES[HUGGINGFACE_HUB_CACHE]-}
      [[ -n $cache ]] || REPLY=.cache
      ;;
  esac
}
